// expect_error: a call must throw an exception of one type whose message holds all of some texts.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace keratin::testing {

template <class E, class Function>
void expect_error(Function&& function, std::initializer_list<std::string_view> texts) {
  try {
    function();
  } catch (const E& error) {
    for (std::string_view text : texts) {
      EXPECT_NE(std::string_view(error.what()).find(text), std::string_view::npos)
          << "'" << text << "' is missing in: " << error.what();
    }
    return;
  }
  ADD_FAILURE() << "nothing was thrown; expected a message with '" << *texts.begin() << "'";
}

}  // namespace keratin::testing
