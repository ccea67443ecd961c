#include "keratin/io/detail/hdf5_tree.h"

#include <gtest/gtest.h>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

TEST(H5Node, BuildsAndFindsPaths) {
  H5Node root;
  H5Node& vars = root.group("layers/dense/vars");
  vars.dataset("0", Tensor({2}, {1.f, 2.f}));
  root.dataset("/optimizer/vars/0", Tensor::scalar<std::int32_t>(7));
  EXPECT_EQ(&root.group("/layers/dense/vars/"), &vars);
  ASSERT_NE(root.find("layers/dense/vars/0"), nullptr);
  EXPECT_EQ(root.find("/layers/dense/vars/0")->shape, (Shape{2}));
  EXPECT_EQ(root.find("optimizer/vars/0")->data.item(), 7);
  EXPECT_EQ(root.find("layers/conv"), nullptr);
  EXPECT_EQ(root.find(""), &root);
}

TEST(H5Node, RefusesPathsThatAreTakenOrEmpty) {
  H5Node root;
  root.dataset("a/b", Tensor::scalar(1.f));
  EXPECT_THROW(root.dataset("a/b", Tensor::scalar(1.f)), InvalidArgument);
  EXPECT_THROW(root.group("a/b/c"), InvalidArgument);
  EXPECT_THROW(root.dataset("a/", Tensor::scalar(1.f)), InvalidArgument);
  EXPECT_THROW(root.dataset("a/c", Tensor()), InvalidArgument);
  EXPECT_THROW(root.group("a/./c"), InvalidArgument);
}

TEST(H5Node, ReplacesAnAttribute) {
  H5Node root;
  root.set_attribute("name", "first");
  root.set_attribute("name", "second");
  EXPECT_EQ(root.attributes.size(), 1u);
  EXPECT_EQ(root.string("name"), "second");
}

TEST(H5Node, AttributesOfAnotherTypeAreErrors) {
  H5Node root;
  root.name = "model_weights";
  root.set_attribute("epoch", Tensor::scalar<std::int64_t>(3));
  root.set_attribute("odd", H5Unreadable{"expected numbers, strings or bool, found compounds (records)"});
  EXPECT_EQ(root.attribute("missing"), nullptr);
  EXPECT_THROW(root.string("missing"), FileError);
  EXPECT_THROW(root.string("epoch"), FileError);
  EXPECT_THROW(root.strings("epoch"), FileError);
  try {
    root.attribute("odd");
    FAIL();
  } catch (const FileError& error) {
    EXPECT_STREQ(error.what(), "attribute 'odd': expected numbers, strings or bool, found compounds (records)");
  }
}

TEST(H5Node, KeepsShortListsWholeAndSplitsLongOnesAsKerasDoes) {
  H5Node root;
  const std::vector<std::string> few{"conv2d", "dense"};
  root.set_strings("layer_names", few);
  EXPECT_EQ(root.attributes.size(), 1u);
  EXPECT_EQ(root.strings("layer_names"), few);

  std::vector<std::string> many;
  for (int i = 0; i < 2000; ++i) many.push_back("layer_" + std::to_string(i) + std::string(60, 'x'));
  root.set_strings("weight_names", many);
  EXPECT_EQ(root.attribute("weight_names"), nullptr);
  // 2000 strings of up to 70 bytes: three parts of at most 64512 bytes.
  EXPECT_NE(root.attribute("weight_names2"), nullptr);
  EXPECT_EQ(root.attribute("weight_names3"), nullptr);
  EXPECT_EQ(root.strings("weight_names"), many);
  EXPECT_THROW(root.set_strings("x", {std::string(64513, 'x')}), InvalidArgument);
}

TEST(H5Node, AnEmptyListMayBeOfAnyType) {
  H5Node root;
  root.set_attribute("weight_names", Tensor(Shape{0}, DType::float64));
  EXPECT_TRUE(root.strings("weight_names").empty());
}

}  // namespace
}  // namespace keratin::detail
