// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/vcd.h"

#include <sstream>
#include <stdexcept>

#include "tests/trace/read_back.h"

namespace counterpoint::sim {
namespace {

// What the independent reader makes of a dump: the sum over time of each number, the time in
// each state.
std::string read(const std::string& dump) {
  const std::string file = temporary("one.vcd");
  std::ofstream(file) << dump;
  const std::string out = output_of(
      "python3 -B '" COUNTERPOINT_SOURCE_DIR "/tests/trace/vcd_reader.py' '" + file + "'");
  std::remove(file.c_str());
  return out;
}

// 3 words per cycle over [2, 5) and 1 over [5, 9) are 3*3 + 1*4 = 13 words; waiting for 2 cycles,
// working for 7, draining from 9 to 12.
TEST(Vcd, TellsAnIndependentReaderWhatHappened) {
  std::ostringstream out;
  Vcd vcd(out);
  vcd.open("machine");
  vcd.open("global buffer");
  const Vcd::Signal words = vcd.number("words", 8);
  vcd.close();
  vcd.open("PE[0]");
  const Vcd::Signal state =
      vcd.choice("state", {"-", "waiting for fill: weights", "working", "draining"});
  const Vcd::Signal busy = vcd.number("busy", 1);
  vcd.close();
  vcd.close();
  vcd.set(state, 1);
  vcd.begin();
  vcd.time(2);
  vcd.set(words, std::uint64_t{3});
  vcd.set(state, 2);
  vcd.set(busy, std::uint64_t{1});
  vcd.time(5);
  vcd.set(words, std::uint64_t{1});
  vcd.time(9);
  vcd.set(words, std::uint64_t{0});
  vcd.set(busy, std::uint64_t{0});
  vcd.set(state, 3);
  vcd.end(12);
  EXPECT_EQ(read(out.str()),
            "machine.PE_0_.busy\t7\n"
            "machine.PE_0_.state=draining\t3\n"
            "machine.PE_0_.state=waiting_for_fill:_weights\t2\n"
            "machine.PE_0_.state=working\t7\n"
            "machine.global_buffer.words\t13\n");
  EXPECT_EQ(vcd.bytes(), static_cast<std::int64_t>(out.str().size()));
}

TEST(Vcd, WritesNothingWhereNothingChanges) {
  std::ostringstream out;
  Vcd vcd(out);
  vcd.open("m");
  const Vcd::Signal a = vcd.number("a", 4);
  vcd.close();
  vcd.begin();
  const std::int64_t before = vcd.bytes();
  for (std::int64_t t = 1; t < 1000; ++t) {
    vcd.time(t);
    vcd.set(a, std::uint64_t{5});  // ... and back within the cycle
    vcd.set(a, std::uint64_t{0});
  }
  vcd.time(1000);
  EXPECT_EQ(vcd.bytes(), before);
}

// 94 codes of one character, then two: every signal must keep its own.
TEST(Vcd, GivesEverySignalACodeOfItsOwn) {
  std::ostringstream out;
  Vcd vcd(out);
  vcd.open("m");
  std::string expected;
  for (int i = 1000; i < 1300; ++i) vcd.number("n" + std::to_string(i), 16);
  vcd.close();
  vcd.begin();
  for (std::size_t i = 0; i < 300; ++i) {
    vcd.set(i, static_cast<std::uint64_t>(i));
    expected += "m.n" + std::to_string(1000 + i) + "\t" + std::to_string(2 * i) + "\n";
  }
  vcd.end(2);
  EXPECT_EQ(read(out.str()), expected);
}

TEST(Vcd, RefusesMisuse) {
  std::ostringstream out;
  Vcd vcd(out);
  EXPECT_THROW(vcd.number("a", 1), std::logic_error);
  vcd.open("m");
  const Vcd::Signal a = vcd.number("a", 3);
  EXPECT_THROW(vcd.choice("c", {}), std::logic_error);
  const Vcd::Signal b = vcd.choice("b", {"x", "y"});
  EXPECT_THROW(vcd.begin(), std::logic_error);
  vcd.close();
  vcd.begin();
  EXPECT_THROW(vcd.set(a, std::uint64_t{8}), std::logic_error);
  EXPECT_THROW(vcd.set(b, 2), std::logic_error);
  vcd.time(4);
  EXPECT_THROW(vcd.time(3), std::logic_error);
}

}  // namespace
}  // namespace counterpoint::sim
