// What the MNIST examples share: their command line, the run, and the report. The models are in the programs.
#pragma once

#include <functional>
#include <string>

#include <keratin/keratin.h>

struct MnistOptions {
  std::string data = "digits";  // a folder with IDX files, or "digits" for the bundled set
  int epochs = 3;
  std::int64_t batch_size = 128;
  std::string device = "auto";
  std::uint64_t seed = 1;
  int threads = 0;  // 0: as many as the machine has
  std::string report, save, curves;
  int show = 0;           // predictions to show as pictures
  std::string test_data;  // a second test set: a folder or "digits"
};

// Parses the command line, trains the model that `make` builds, evaluates it, and writes what was asked for.
// Returns the exit status of the program; errors are printed.
int run_mnist_program(int argc, char** argv, const std::string& description,
                      const std::function<keratin::Sequential()>& make);
