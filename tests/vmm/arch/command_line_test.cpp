#include "vmm/arch/command_line.h"

#include <doctest/doctest.h>

#include "vmm/arch/memory_layout.h"

namespace nacre::arch {
namespace {

bool mentions(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("a panic resets the machine at once, through the keyboard controller") {
    CHECK(mentions(command_line({false, 0}), "reboot=k panic=-1"));
}

TEST_CASE("the console is named only where there is one") {
    CHECK_FALSE(mentions(command_line({false, 1}), "console="));
    CHECK(mentions(command_line({true, 1}), "console=hvc0"));
}

TEST_CASE("each virtio device is announced with its registers and interrupt") {
    const auto line = command_line({false, 2});
    CHECK(mentions(line, "virtio_mmio.device=4K@0xd0000000:5"));
    CHECK(mentions(line, "virtio_mmio.device=4K@0xd0001000:6"));
    CHECK_FALSE(mentions(line, "0xd0002000"));
}

TEST_CASE("free memory is reported in small blocks, so that a small VM reports any") {
    CHECK(mentions(command_line({false, 0}), "page_reporting.page_reporting_order=5"));
}

TEST_CASE("the kernel starts the vCPUs of the beginning, and no others by itself") {
    CHECK(mentions(command_line({false, 0, 3}), "maxcpus=3"));
}

TEST_CASE("the line of a full machine fits") {
    CHECK(command_line({true, kMaxVirtioDevices, kMaxVcpus}).size() < kCommandLineSize);
}

}  // namespace
}  // namespace nacre::arch
