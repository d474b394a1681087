#include "vmm/machine/exits.h"

#include <doctest/doctest.h>

#include <cstring>
#include <memory>

namespace nacre::machine {
namespace {

/// A page as KVM_RUN leaves it, with room behind the structure for the data of port accesses.
class RunPage {
  public:
    RunPage() : bytes_(std::make_unique<std::byte[]>(kSize)) {}

    kvm_run& run() { return *reinterpret_cast<kvm_run*>(bytes_.get()); }
    std::byte* port_data() { return bytes_.get() + kDataOffset; }

    kvm_run& port_access(std::uint8_t direction, std::uint16_t port, std::uint8_t size, std::uint32_t count,
                         std::uint64_t value) {
        run().exit_reason = KVM_EXIT_IO;
        run().io.direction = direction;
        run().io.port = port;
        run().io.size = size;
        run().io.count = count;
        run().io.data_offset = kDataOffset;
        std::memcpy(port_data(), &value, sizeof(value));
        return run();
    }

    kvm_run& mmio_access(bool write, std::uint64_t address, std::uint32_t length) {
        run().exit_reason = KVM_EXIT_MMIO;
        run().mmio.is_write = write;
        run().mmio.phys_addr = address;
        run().mmio.len = length;
        return run();
    }

  private:
    static constexpr std::size_t kDataOffset = 4096;
    static constexpr std::size_t kSize = 8192;
    std::unique_ptr<std::byte[]> bytes_;
};

/// Answers reads with the offset, and remembers the last write.
class Recorder : public BusHandler {
  public:
    void read(std::uint64_t offset, std::span<std::byte> data) override {
        for (auto& byte : data)
            byte = static_cast<std::byte>(offset);
    }
    void write(std::uint64_t offset, std::span<const std::byte> data) override {
        last_offset = offset;
        last_data.assign(data.begin(), data.end());
    }

    std::uint64_t last_offset = 0;
    std::vector<std::byte> last_data;
};

constexpr std::uint64_t kBase = 0xd0000000;

ExitAction serve(kvm_run& run, const Bus& bus) {
    Timeline timeline;
    SerialPort serial;
    return handle_exit(run, {bus, timeline, serial});
}

TEST_CASE("exits that nothing here handles end the guest as internal errors") {
    const Bus bus;
    for (const int reason : {KVM_EXIT_UNKNOWN, KVM_EXIT_EXCEPTION, KVM_EXIT_HLT, KVM_EXIT_FAIL_ENTRY,
                             KVM_EXIT_INTERNAL_ERROR, KVM_EXIT_HYPERCALL, 9999}) {
        RunPage page;
        page.run().exit_reason = static_cast<std::uint32_t>(reason);
        CHECK(serve(page.run(), bus) == ExitAction::internal_error);
        CHECK_FALSE(describe_exit(page.run()).empty());
    }
}

TEST_CASE("a processor that shuts down is a triple fault") {
    const Bus bus;
    RunPage page;
    page.run().exit_reason = KVM_EXIT_SHUTDOWN;
    CHECK(serve(page.run(), bus) == ExitAction::triple_fault);
}

TEST_CASE("port writes: what powers off, what resets, and what does nothing") {
    struct Case {
        std::uint16_t port;
        std::uint8_t size;
        std::uint64_t value;
        ExitAction action;
    };
    const Bus bus;
    for (const auto& write : {
             Case{0x604, 2, 0x2000, ExitAction::power_off},
             Case{0x604, 2, 0x2001, ExitAction::resume},
             Case{0x604, 2, 0x3400, ExitAction::resume},
             Case{0x604, 1, 0x2000, ExitAction::resume},
             Case{0x604, 4, 0x2000, ExitAction::resume},
             Case{0x605, 2, 0x2000, ExitAction::resume},
             Case{0x64, 1, 0xfe, ExitAction::reset},
             Case{0x64, 1, 0xd1, ExitAction::resume},
             Case{0x64, 2, 0xfe, ExitAction::resume},
             Case{0x60, 1, 0xfe, ExitAction::resume},
             Case{0xcf9, 1, 6, ExitAction::resume},
             Case{0xffff, 4, 0xffffffff, ExitAction::resume},
         }) {
        RunPage page;
        CAPTURE(write.port);
        CAPTURE(write.value);
        CHECK(serve(page.port_access(KVM_EXIT_IO_OUT, write.port, write.size, 1, write.value), bus) ==
              write.action);
    }
}

TEST_CASE("the guest tells a phase once, and none but its own") {
    const Bus bus;
    Timeline timeline;
    SerialPort serial;
    const auto tell = [&](std::uint64_t value) {
        RunPage page;
        return handle_exit(page.port_access(KVM_EXIT_IO_OUT, kPhasePort, 1, 1, value),
                           {bus, timeline, serial});
    };
    for (const std::uint64_t value : {0U, 3U, 255U})
        CHECK(tell(value) == ExitAction::resume);
    CHECK(timeline.get(Phase::agent_started) == 0);
    CHECK(tell(kPhaseAgentStarted) == ExitAction::resume);
    CHECK(tell(kPhaseContainerStarted) == ExitAction::resume);
    const auto first = timeline.get(Phase::agent_started);
    CHECK(first > 0);
    CHECK(timeline.get(Phase::container_started) >= first);
    tell(kPhaseAgentStarted);
    CHECK(timeline.get(Phase::agent_started) == first);
    CHECK(timeline.get(Phase::end) == 0);
}

TEST_CASE("what is sent on the serial port is kept") {
    const Bus bus;
    Timeline timeline;
    SerialPort serial;
    RunPage page;
    const std::uint64_t text = 0x0a6b6f;  // "ok\n", one byte after the other
    CHECK(handle_exit(page.port_access(KVM_EXIT_IO_OUT, 0x3f8, 1, 3, text), {bus, timeline, serial}) ==
          ExitAction::resume);
    CHECK(handle_exit(page.port_access(KVM_EXIT_IO_OUT, 0x3f9, 1, 1, 'x'), {bus, timeline, serial}) ==
          ExitAction::resume);
    CHECK(serial.text() == "ok\n");
}

TEST_CASE("a string write is as many writes: any of them may reset") {
    const Bus bus;
    RunPage page;
    CHECK(serve(page.port_access(KVM_EXIT_IO_OUT, 0x64, 1, 8, 0xfe00000000000000), bus) == ExitAction::reset);
    CHECK(serve(page.port_access(KVM_EXIT_IO_OUT, 0x64, 1, 7, 0xfe00000000000000), bus) ==
          ExitAction::resume);
    CHECK(serve(page.port_access(KVM_EXIT_IO_OUT, 0x64, 1, 0, 0xfe), bus) == ExitAction::resume);
}

TEST_CASE("port reads give all ones, in each element of a string read") {
    const Bus bus;
    RunPage page;
    CHECK(serve(page.port_access(KVM_EXIT_IO_IN, 0x3f8, 2, 3, 0), bus) == ExitAction::resume);
    std::uint64_t value = 0;
    std::memcpy(&value, page.port_data(), sizeof(value));
    CHECK(value == 0x0000ffffffffffff);
}

TEST_CASE("the keyboard controller has nothing pending") {
    const Bus bus;
    RunPage page;
    CHECK(serve(page.port_access(KVM_EXIT_IO_IN, 0x64, 1, 1, 0xaa), bus) == ExitAction::resume);
    CHECK(page.port_data()[0] == std::byte{0});
}

TEST_CASE("MMIO that nobody claims reads as all ones and swallows writes") {
    const Bus bus;
    RunPage page;
    CHECK(serve(page.mmio_access(false, kBase, 4), bus) == ExitAction::resume);
    CHECK(std::memcmp(page.run().mmio.data, "\xff\xff\xff\xff\0\0\0\0", 8) == 0);
    CHECK(serve(page.mmio_access(true, kBase, 8), bus) == ExitAction::resume);
    CHECK(serve(page.mmio_access(false, ~std::uint64_t{0}, 8), bus) == ExitAction::resume);
}

TEST_CASE("MMIO reaches its handler with the offset, size and bytes") {
    Recorder recorder;
    Bus bus;
    REQUIRE(bus.add(kBase, 0x1000, recorder));
    RunPage page;
    serve(page.mmio_access(false, kBase + 0x70, 4), bus);
    CHECK(std::memcmp(page.run().mmio.data, "\x70\x70\x70\x70\0\0\0\0", 8) == 0);
    std::memcpy(page.run().mmio.data, "\1\2\3\4\5\6\7\x8", 8);
    serve(page.mmio_access(true, kBase + 0x50, 2), bus);
    CHECK(recorder.last_offset == 0x50);
    CHECK(recorder.last_data == std::vector{std::byte{1}, std::byte{2}});
}

TEST_CASE("every exit is counted under its kind") {
    RunPage page;
    CHECK(exit_kind(page.mmio_access(false, 0, 4)) == ExitKind::mmio_read);
    CHECK(exit_kind(page.mmio_access(true, 0, 4)) == ExitKind::mmio_write);
    CHECK(exit_kind(page.port_access(KVM_EXIT_IO_IN, 0, 1, 1, 0)) == ExitKind::port_read);
    CHECK(exit_kind(page.port_access(KVM_EXIT_IO_OUT, 0, 1, 1, 0)) == ExitKind::port_write);
    page.run().exit_reason = KVM_EXIT_SHUTDOWN;
    CHECK(exit_kind(page.run()) == ExitKind::other);
    ExitCounts counts;
    counts.add(ExitKind::other);
    counts.add(ExitKind::other);
    CHECK(counts.get(ExitKind::other) == 2);
    CHECK(counts.get(ExitKind::mmio_read) == 0);
    CHECK(exit_kind_name(ExitKind::other) == "other");
}

}  // namespace
}  // namespace nacre::machine
