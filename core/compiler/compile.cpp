// All passes in order.
#include <cstdlib>
#include <string_view>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/tensor/log.h"

namespace keratin {
namespace {

// KERATIN_DUMP is a comma-separated list of stages.
bool dump_wanted(std::string_view stage) {
  const char* list = std::getenv("KERATIN_DUMP");
  if (!list) return false;
  const std::string text = "," + std::string(list) + ",";
  return text.find("," + std::string(stage) + ",") != std::string::npos;
}

}  // namespace

Plan compile(const Program& program, const Backend& backend) {
  Program current = simplify(program);
  if (dump_wanted("trace")) log(LogLevel::output, current.to_string());
  current = fuse(current, backend);
  current = simplify(expand(current, backend));
  Plan plan = place(current);
  if (dump_wanted("plan")) log(LogLevel::output, plan.to_string());
  return plan;
}

}  // namespace keratin
