#include "keratin/backends/cpu/isa.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "keratin/core/tensor/errors.h"

namespace keratin::cpu {
namespace {

TEST(Isa, BaselineIsAlwaysThereAndTheBestIsChosen) {
  const std::vector<Isa> isas = supported_isas();
  ASSERT_FALSE(isas.empty());
  EXPECT_EQ(isas.front(), Isa::baseline);
  EXPECT_TRUE(std::is_sorted(isas.begin(), isas.end()));
  EXPECT_EQ(choose_isa(""), isas.back());
}

TEST(Isa, ASupportedSetCanBeForced) {
  for (const Isa isa : supported_isas()) {
    EXPECT_EQ(choose_isa(name_of(isa)), isa);
    EXPECT_EQ(simd(isa).name, name_of(isa));
  }
}

TEST(Isa, AnUnknownSetIsRefusedWithTheAvailableOnes) {
  try {
    choose_isa("neon");
    FAIL() << "expected InvalidArgument";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("'neon'"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("baseline"), std::string::npos) << error.what();
  }
}

TEST(Isa, AnUnsupportedSetIsRefused) {
  const std::vector<Isa> isas = supported_isas();
  for (const Isa isa : {Isa::avx2, Isa::avx512}) {
    if (std::find(isas.begin(), isas.end(), isa) != isas.end()) continue;
    EXPECT_THROW(choose_isa(name_of(isa)), InvalidArgument);
    EXPECT_THROW(simd(isa), InvalidArgument);
  }
}

// Every entry of every table is filled, apart from those documented as absent.
TEST(Isa, TablesAreComplete) {
  for (const Isa isa : supported_isas()) {
    const Simd& table = simd(isa);
    const auto check = [&](const auto& kernels, const char* type) {
      // The struct holds nothing but function pointers.
      void* pointers[sizeof kernels / sizeof(void*)];
      std::memcpy(pointers, &kernels, sizeof kernels);
      for (std::size_t i = 0; i < std::size(pointers); ++i) EXPECT_NE(pointers[i], nullptr) << type << " entry " << i;
    };
    check(table.f32, "float");
    check(table.f64, "double");
    for (int i = 0; i < static_cast<int>(Binary::count); ++i) {
      const bool present = i != static_cast<int>(Binary::power);
      EXPECT_EQ(table.i32.binary[i] != nullptr, present) << i;
      EXPECT_EQ(table.i64s.binary[i] != nullptr, present) << i;
    }
    EXPECT_TRUE(table.convert);
    EXPECT_TRUE(table.gather_rows);
    EXPECT_TRUE(table.transpose);
  }
}

}  // namespace
}  // namespace keratin::cpu
