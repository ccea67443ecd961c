#include "keratin/io/detail/json_config.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

using Json = nlohmann::json;

// Far more than the largest models need; a value takes some hundred bytes of memory.
constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr std::size_t kMostValues = 2'000'000;
constexpr std::size_t kMostKeys = 10'000;  // of one object: they are looked up one after another
constexpr std::size_t kDeepest = 256;

// Takes the parser's events, which come without recursion, and builds the value on a stack.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return add({}); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return add(static_cast<double>(value));
    }
    return add(static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(Json::binary_t&) override { return false; }

  bool start_object(std::size_t) override { return open(false); }
  bool start_array(std::size_t) override { return open(true); }
  bool key(std::string& name) override {
    Frame& frame = stack_.back();
    if (frame.keys.size() >= kMostKeys) throw FileError("expected at most 10000 keys in an object, found more");
    if (!frame.keys.insert(name).second) throw FileError("the key '" + name.substr(0, 80) + "' comes twice");
    frame.key = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    throw FileError("this is not JSON: the error is at byte " + std::to_string(position));
  }

  ConfigValue take() { return std::move(result_); }

 private:
  struct Frame {
    bool is_list = false;
    ConfigValue::List list;
    Config object;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  bool open(bool is_list) {
    if (stack_.size() >= kDeepest) throw FileError("expected at most 256 levels of nesting, found more");
    stack_.emplace_back().is_list = is_list;
    return true;
  }

  bool close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    return add(frame.is_list ? ConfigValue(std::move(frame.list)) : ConfigValue(std::move(frame.object)));
  }

  bool add(ConfigValue value) {
    if (++values_ > kMostValues) throw FileError("expected at most 2000000 values, found more");
    if (stack_.empty()) {
      result_ = std::move(value);
    } else if (stack_.back().is_list) {
      stack_.back().list.push_back(std::move(value));
    } else {
      stack_.back().object.set(std::move(stack_.back().key), std::move(value));
    }
    return true;
  }

  std::vector<Frame> stack_;
  ConfigValue result_;
  std::size_t values_ = 0;
};

}  // namespace

ConfigValue parse_json(std::string_view text) {
  if (text.size() > kMostBytes) throw FileError("expected at most 64 MiB of JSON, found more");
  Builder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) throw FileError("this is not JSON");
  return builder.take();
}

}  // namespace keratin::detail
