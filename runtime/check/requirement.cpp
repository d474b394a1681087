#include "runtime/check/requirement.h"

#include <algorithm>

namespace nacre::check {

namespace {

std::string line(const Requirement& requirement) {
    auto text =
        fmt::format("{}  {}: {}", requirement.passed ? "pass" : "FAIL", requirement.name, requirement.detail);
    if (!requirement.passed)
        text += ". Remedy: " + requirement.remedy;
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text + "\n";
}

}  // namespace

bool all_passed(const std::vector<Requirement>& requirements) {
    return std::all_of(requirements.begin(), requirements.end(),
                       [](const Requirement& requirement) { return requirement.passed; });
}

std::string report(const std::vector<Requirement>& requirements, const Verdict& verdict) {
    std::string text;
    for (const auto& requirement : requirements)
        text += line(requirement);
    const auto failed = std::count_if(requirements.begin(), requirements.end(),
                                      [](const Requirement& requirement) { return !requirement.passed; });
    if (failed == 0)
        return text + verdict.passed + "\n";
    return text +
           fmt::format("{}: {} of {} requirements failed\n", verdict.failed, failed, requirements.size());
}

}  // namespace nacre::check
