// keratin doctor: says whether the GPU can be used and, when not, why and what to do about it.
#pragma once

namespace keratin::tools {

struct DoctorOptions {
  bool json = false;
  bool page = false;    // print the page of causes instead
  double seconds = 30;  // for each library that is asked
};

// Prints the findings; the exit status: 0 when a GPU works or none is there, 1 when one is there and cannot be used.
int run_doctor(const DoctorOptions& options);

}  // namespace keratin::tools
