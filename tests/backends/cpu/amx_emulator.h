// Runs AMX instructions on processors without AMX: they are illegal there, and the signal's handler does what the
// manual says of them. For the six that tile_unit.h uses, with whole tiles, in one thread.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace keratin::cpu::testing {

class AmxEmulator {
 public:
  AmxEmulator() {
    struct sigaction action = {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGILL, &action, &before_);
    products_ = 0;
  }
  ~AmxEmulator() { sigaction(SIGILL, &before_, nullptr); }
  AmxEmulator(const AmxEmulator&) = delete;
  AmxEmulator& operator=(const AmxEmulator&) = delete;

  // tdpbf16ps instructions so far.
  static long products() { return products_; }

 private:
  static std::int64_t number_in(const ucontext_t* context, int number) {
    static constexpr int kOrder[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                     REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return context->uc_mcontext.gregs[kOrder[number]];
  }
  static std::int64_t displacement(const std::uint8_t*& at, int mode) {
    std::int32_t wide = 0;
    if (mode == 1) return static_cast<std::int8_t>(*at++);
    if (mode == 2) {
      std::memcpy(&wide, at, sizeof wide);
      at += sizeof wide;
    }
    return wide;
  }
  static float widened(std::uint16_t x) {
    const std::uint32_t bits = static_cast<std::uint32_t>(x) << 16;
    float result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
  }
  [[noreturn]] static void refuse() {
    static constexpr char kText[] = "AmxEmulator: an instruction that it does not know\n";
    (void)!write(2, kText, sizeof kText - 1);
    _exit(3);
  }

  // VEX.128.0F38.W0, three bytes; then the opcode, ModRM, SIB and displacement.
  static void handle(int, siginfo_t*, void* memory) {
    auto* context = static_cast<ucontext_t*>(memory);
    const auto* at = reinterpret_cast<const std::uint8_t*>(context->uc_mcontext.gregs[REG_RIP]);
    if (at[0] != 0xc4 || (at[1] & 0x9f) != 0x82 || (at[2] & 0x84) != 0) refuse();
    const int x = at[1] & 0x40 ? 0 : 8, b = at[1] & 0x20 ? 0 : 8, third = ~at[2] >> 3 & 15, prefix = at[2] & 3;
    const int opcode = at[3], mode = at[4] >> 6, reg = at[4] >> 3 & 7, rm = at[4] & 7;
    at += 5;
    std::uint8_t* address = nullptr;
    std::int64_t row = 0;
    if (mode != 3) {
      std::int64_t place = 0;
      if (rm == 4) {
        const int sib = *at++, index = (sib >> 3 & 7) | x;
        if ((sib & 7) == 5 && mode == 0) refuse();
        if (index != 4) row = number_in(context, index) << (sib >> 6);
        place = number_in(context, (sib & 7) | b) + displacement(at, mode);
      } else if (rm == 5 && mode == 0) {  // relative to the next instruction
        place = displacement(at, 2);
        place += reinterpret_cast<std::int64_t>(at);
      } else {
        place = number_in(context, rm | b);
        place += displacement(at, mode);
      }
      address = reinterpret_cast<std::uint8_t*>(place);
    }
    if (opcode == 0x49 && prefix == 0 && address) {  // ldtilecfg
      for (int i = 0; i < 8; ++i) {
        if (address[0] != 1 || address[16 + 2 * i] != 64 || address[17 + 2 * i] != 0 || address[48 + i] != 16) refuse();
      }
    } else if (opcode == 0x49 && prefix == 0 && reg == 0 && rm == 0) {  // tilerelease: nothing may rely on them
      std::memset(tile_, 0xff, sizeof tile_);
    } else if (opcode == 0x49 && prefix == 3 && !address && rm == 0) {  // tilezero
      std::memset(tile_[reg], 0, sizeof tile_[reg]);
    } else if (opcode == 0x4b && prefix == 3 && address) {  // tileloadd
      for (int i = 0; i < 16; ++i) std::memcpy(tile_[reg][i], address + i * row, 64);
    } else if (opcode == 0x4b && prefix == 2 && address) {  // tilestored
      for (int i = 0; i < 16; ++i) std::memcpy(address + i * row, tile_[reg][i], 64);
    } else if (opcode == 0x5c && prefix == 2 && !address) {  // tdpbf16ps reg, rm, third
      multiply(reg, rm, third);
    } else {
      refuse();
    }
    context->uc_mcontext.gregs[REG_RIP] = reinterpret_cast<std::int64_t>(at);
  }

  static void multiply(int to, int left, int right) {
    ++products_;
    float c[16][16];
    std::uint16_t a[16][32], b[16][32];
    std::memcpy(c, tile_[to], sizeof c);
    std::memcpy(a, tile_[left], sizeof a);
    std::memcpy(b, tile_[right], sizeof b);
    for (int m = 0; m < 16; ++m) {
      for (int k = 0; k < 32; ++k) {
        for (int n = 0; n < 16; ++n) c[m][n] += widened(a[m][k]) * widened(b[k / 2][2 * n + k % 2]);
      }
    }
    std::memcpy(tile_[to], c, sizeof c);
  }

  static inline std::uint8_t tile_[8][16][64];
  static inline long products_ = 0;
  struct sigaction before_ = {};
};

}  // namespace keratin::cpu::testing
