// What the guest does on its buses: port I/O of all forms and MMIO accesses of any address and width, as KVM reports them.

#include <array>

#include "tests/fuzz/input.h"
#include "vmm/machine/exits.h"

using namespace nacre;

namespace {

constexpr std::uint64_t block_start = 0xd0000000;
constexpr std::uint64_t block_bytes = 0x1000;

/// Of the device's kind: the bus keeps accesses within the range, whatever the guest asks for.
class Block final : public BusHandler {
  public:
    void read(std::uint64_t offset, std::span<std::byte> data) override {
        check(offset, data.size());
        std::ranges::fill(data, std::byte{0});
    }
    void write(std::uint64_t offset, std::span<const std::byte> data) override { check(offset, data.size()); }

  private:
    static void check(std::uint64_t offset, std::size_t length) {
        fuzz::require(length != 0 && length <= 8 && offset < block_bytes && length <= block_bytes - offset);
    }
};

/// As kvm_run is mapped: the page is followed by that of the data.
struct alignas(4096) RunPages {
    kvm_run run{};
    std::array<std::byte, 4096> data{};
};

void set_port_access(RunPages& pages, fuzz::Input& input) {
    auto& io = pages.run.io;
    pages.run.exit_reason = KVM_EXIT_IO;
    io.direction = input.below(2) == 0 ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
    io.size = static_cast<std::uint8_t>(1U << input.below(3));
    io.port = input.take<std::uint16_t>();
    io.count = 1 + input.take<std::uint16_t>() % (4096U / io.size);
    io.data_offset = offsetof(RunPages, data);
    std::ranges::copy(input.take_bytes(std::size_t{io.size} * io.count), pages.data.begin());
}

void set_mmio_access(RunPages& pages, fuzz::Input& input) {
    auto& mmio = pages.run.mmio;
    pages.run.exit_reason = KVM_EXIT_MMIO;
    mmio.is_write = static_cast<std::uint8_t>(input.below(2));
    mmio.len = 1U << input.below(4);
    mmio.phys_addr = input.below(2) == 0 ? input.take<std::uint64_t>() : block_start - 16 + input.take<std::uint16_t>();
    std::ranges::copy(input.take_bytes(mmio.len), std::as_writable_bytes(std::span(mmio.data)).begin());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Block first;
    Block second;
    Bus mmio;
    fuzz::require(mmio.add(block_start, block_bytes, first) && mmio.add(block_start + 2 * block_bytes, block_bytes, second));
    machine::Timeline timeline;
    machine::SerialPort serial;
    machine::ExitCounts counts;
    const auto pages = std::make_unique<RunPages>();
    while (!input.empty()) {
        const auto kind = input.below(8);
        if (kind < 4)
            set_port_access(*pages, input);
        else if (kind < 7)
            set_mmio_access(*pages, input);
        else
            pages->run.exit_reason = input.below(64);
        if (pages->run.exit_reason == KVM_EXIT_IO && kind == 7)
            continue;  // KVM does not report one without its data
        machine::handle_exit(pages->run, {mmio, timeline, serial});
        counts.add(machine::exit_kind(pages->run));
        static_cast<void>(machine::describe_exit(pages->run));
    }
    fuzz::require(serial.text().size() <= machine::SerialPort::max_bytes);
    return 0;
}
