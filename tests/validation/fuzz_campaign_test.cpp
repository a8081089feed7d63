// SPDX-License-Identifier: Apache-2.0
// The campaign of random cases: the same for any number of jobs, and whatever fails is caught,
// made small and written down. Failures are put in as one more law.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "input/diagnostics.h"
#include "validation/fuzz/run.h"
#include "validation/processes.h"

namespace counterpoint::validation::fuzz {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FuzzCampaign : public testing::Test {
 protected:
  void SetUp() override {
    dir_ =
        fs::temp_directory_path() / (std::string("counterpoint-fuzz-") +
                                     testing::UnitTest::GetInstance()->current_test_info()->name() +
                                     "-" + std::to_string(getpid()));
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }
  static std::string slurp(const fs::path& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  static Campaign of(std::uint64_t cases, int jobs) {
    Campaign c;
    c.cases = cases;
    c.jobs = jobs;
    c.fingerprint = "test";
    return c;
  }
  fs::path dir_;
};

// "Fails" wherever outputs have three channels or more: what is left is one of three.
Breaches many_filters(const Case& c, const workloads::Mapping&) {
  if (c.layer.layer.has_window() && c.layer.layer[workloads::Dim::K] >= 3)
    return {{"filters", "three or more"}};
  return {};
}

TEST_F(FuzzCampaign, IsTheSameForAnyNumberOfJobs) {
  Campaign one = of(60, 1), three = of(60, 3);
  one.also = three.also = many_filters;
  one.failures = three.failures = 3;
  const CampaignResult a = run_campaign(one), b = run_campaign(three);
  EXPECT_EQ(a.summary, b.summary);
  EXPECT_EQ(a.failing.size(), 3u);
}

TEST_F(FuzzCampaign, ACaseDoesNotDependOnHowManyThereAre) {
  Campaign all = of(70, 1), later = of(10, 1);
  all.also = later.also = many_filters;
  all.small = later.small = false;
  all.failures = later.failures = 1000;
  later.first = 60;
  std::vector<std::uint64_t> a, b;
  for (const FailingCase& f : run_campaign(all).failing)
    if (f.number >= 60) a.push_back(f.number);
  for (const FailingCase& f : run_campaign(later).failing) b.push_back(f.number);
  EXPECT_EQ(a, b);
  EXPECT_FALSE(b.empty());
}

TEST_F(FuzzCampaign, MakesAFailingCaseSmallAndWritesItDown) {
  Campaign c = of(100, 1);
  c.also = many_filters;
  c.failures = 1;
  c.out = dir_.string();
  const CampaignResult r = run_campaign(c);
  ASSERT_EQ(r.failing.size(), 1u);
  const FailingCase& f = r.failing[0];
  const ReadCase small = read_case(slurp(fs::path(f.folder) / "case.m"), "case.m",
                                   slurp(fs::path(f.folder) / "machine.yaml"), "machine.yaml");
  ASSERT_TRUE(small.found) << input::format(small.diagnostics);
  EXPECT_EQ(workloads::macs(small.found->layer.layer), 3);  // K = 3, all else 1
  EXPECT_EQ(small.found->machine.pes, 1);
  const std::string script = slurp(fs::path(f.folder) / "run.sh");
  EXPECT_THAT(script, HasSubstr("fuzz --replay ."));
  EXPECT_THAT(script, HasSubstr("#   filters: three or more"));
  EXPECT_NE(fs::status(fs::path(f.folder) / "run.sh").permissions() & fs::perms::owner_exec,
            fs::perms::none);
}

TEST_F(FuzzCampaign, CatchesACrash) {
  Campaign c = of(100, 2);
  c.failures = 1;
  c.also = [](const Case& x, const workloads::Mapping& m) -> Breaches {
    if (!many_filters(x, m).empty()) std::raise(SIGSEGV);
    return {};
  };
  const CampaignResult r = run_campaign(c);
  ASSERT_EQ(r.failing.size(), 1u);
  EXPECT_EQ(r.failing[0].breaches.at(0).law, "crash");
  EXPECT_EQ(r.failing[0].small_breaches.at(0).law, "crash");
  EXPECT_THAT(r.summary, HasSubstr("FAILED: case"));
}

TEST_F(FuzzCampaign, GoesOnBehindACrash) {
  Campaign c = of(100, 2), fine = of(100, 2);
  c.failures = 1000;
  c.small = false;
  std::uint64_t third = 0;
  {
    fine.also = many_filters;
    fine.small = false;
    fine.failures = 3;
    third = run_campaign(fine).failing.at(2).number;
  }
  c.cases = third + 1;
  c.also = [](const Case& x, const workloads::Mapping& m) -> Breaches {
    if (!many_filters(x, m).empty()) _exit(3);
    return {};
  };
  const CampaignResult r = run_campaign(c);
  EXPECT_EQ(r.cases, third + 1);
  EXPECT_EQ(r.failing.size(), 3u);
}

TEST_F(FuzzCampaign, CatchesAHang) {
  Campaign c = of(100, 1);
  c.failures = 1;
  c.case_seconds = 1;
  c.small = false;
  c.also = [](const Case& x, const workloads::Mapping& m) -> Breaches {
    volatile bool for_ever = !many_filters(x, m).empty();
    while (for_ever) {
    }
    return {};
  };
  const CampaignResult r = run_campaign(c);
  ASSERT_EQ(r.failing.size(), 1u);
  EXPECT_EQ(r.failing[0].breaches.at(0).law, "hang");
}

TEST_F(FuzzCampaign, ResumedItIsTheSame) {
  Campaign first = of(30, 2), second = of(70, 2), fresh = of(70, 1);
  first.also = second.also = fresh.also = many_filters;
  first.small = second.small = fresh.small = false;
  first.failures = second.failures = fresh.failures = 1000;
  first.out = second.out = dir_.string();
  second.resume = true;
  run_campaign(first);
  const CampaignResult resumed = run_campaign(second);
  fresh.out = (dir_ / "fresh").string();
  const CampaignResult whole = run_campaign(fresh);
  EXPECT_EQ(resumed.cases, 70u);
  ASSERT_EQ(resumed.failing.size(), whole.failing.size());
  const auto head = [](const std::string& s) { return s.substr(0, s.find("FAILED")); };
  EXPECT_EQ(head(resumed.summary), head(whole.summary));
  EXPECT_EQ(slurp(dir_ / "summary.txt"), resumed.summary);
}

TEST_F(FuzzCampaign, DoesNotMixCampaigns) {
  Campaign c = of(5, 1);
  c.out = dir_.string();
  run_campaign(c);
  EXPECT_THROW(run_campaign(c), input::InputError);  // not asked to resume
  c.resume = true;
  c.seed = 2;
  EXPECT_THROW(run_campaign(c), input::InputError);
  c.seed = 1;
  c.fingerprint = "another build";
  EXPECT_THROW(run_campaign(c), input::InputError);
  c.fingerprint = "test";
  EXPECT_EQ(run_campaign(c).cases, 5u);
}

TEST_F(FuzzCampaign, SaysWhatWasNeverDrawn) {
  const CampaignResult r = run_campaign(of(1, 1));
  EXPECT_THAT(r.summary, HasSubstr("never drawn:\n"));
  EXPECT_THAT(r.summary, HasSubstr("1 checked, 0 failing"));
}

TEST(Processes, SayHowTheyEnded) {
  const Ended fine = run_apart([](const Write& write) { write("text"); });
  EXPECT_TRUE(fine.ok);
  EXPECT_EQ(fine.text, "text");
  const Ended thrown = run_apart([](const Write& write) {
    write("half");
    throw 1;
  });
  EXPECT_FALSE(thrown.ok);
  EXPECT_EQ(thrown.text, "half");
  EXPECT_EQ(thrown.how(), "failed");
  const Ended killed = run_apart([](const Write&) { std::raise(SIGKILL); });
  EXPECT_EQ(killed.how(), "was ended by signal 9");
}

}  // namespace
}  // namespace counterpoint::validation::fuzz
