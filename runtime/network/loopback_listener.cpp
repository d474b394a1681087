#include "runtime/network/loopback_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

using Program = std::vector<bpf_insn>;

bpf_insn instruction(int code, std::uint8_t destination, std::uint8_t source, int offset,
                     std::int32_t value) {
    bpf_insn made{};
    made.code = static_cast<std::uint8_t>(code);
    made.dst_reg = destination & 0xf;
    made.src_reg = source & 0xf;
    made.off = static_cast<std::int16_t>(offset);
    made.imm = value;
    return made;
}

constexpr std::uint8_t result = BPF_REG_0;
constexpr std::uint8_t first_argument = BPF_REG_1;
constexpr std::uint8_t second_argument = BPF_REG_2;
constexpr std::uint8_t third_argument = BPF_REG_3;
constexpr std::uint8_t context = BPF_REG_6;
constexpr std::uint8_t socket_found = BPF_REG_7;
constexpr std::uint8_t field = BPF_REG_2;

bpf_insn load_field(std::size_t offset) {
    return instruction(BPF_LDX | BPF_MEM | BPF_W, field, context, static_cast<int>(offset), 0);
}

/// In place of an offset: to the end, where everything is left as it is.
constexpr int to_pass = -1;

/// Goes on `offset` instructions after the next one unless the field is `value`.
bpf_insn skip_unless(std::uint32_t value, int offset) {
    return instruction(BPF_JMP32 | BPF_JNE | BPF_K, field, 0, offset, static_cast<std::int32_t>(value));
}

bpf_insn move(std::uint8_t destination, std::uint8_t source) {
    return instruction(BPF_ALU64 | BPF_MOV | BPF_X, destination, source, 0, 0);
}

bpf_insn set(std::uint8_t destination, std::int32_t value) {
    return instruction(BPF_ALU64 | BPF_MOV | BPF_K, destination, 0, 0, value);
}

bpf_insn call(std::int32_t helper) {
    return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

Result<FileDescriptor> call_bpf(int command, bpf_attr& attributes, const char* what) {
    const auto value = ::syscall(SYS_bpf, command, &attributes, sizeof(attributes));
    if (value < 0)
        return fail_errno("{}", what);
    return FileDescriptor(static_cast<int>(value));
}

template <class T>
std::uint64_t address_of(const T& object) {
    return reinterpret_cast<std::uintptr_t>(&object);  // the kernel takes pointers as numbers
}

/// Of both families where the host has both. Bound to lo: nobody else is to reach the port that it needs to
/// have.
Result<FileDescriptor> listen_on_loopback() {
    for (const int family : {AF_INET6, AF_INET}) {
        FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!socket)
            continue;
        const int off = 0;
        if (family == AF_INET6)
            (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
        constexpr char loopback[] = "lo";
        if (::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, loopback, sizeof(loopback)) == 0 &&
            ::listen(socket.get(), SOMAXCONN) == 0)
            return socket;
    }
    return fail_errno("listen on the loopback interface");
}

Result<FileDescriptor> make_socket_map(int socket) {
    bpf_attr create{};
    create.map_type = BPF_MAP_TYPE_SOCKMAP;
    create.key_size = sizeof(std::uint32_t);
    create.value_size = sizeof(std::uint64_t);
    create.max_entries = 1;
    NACRE_ASSIGN(auto map, call_bpf(BPF_MAP_CREATE, create, "make a map of sockets"));
    const std::uint32_t key = 0;
    const auto value = static_cast<std::uint64_t>(socket);
    bpf_attr update{};
    update.map_fd = static_cast<std::uint32_t>(map.get());
    update.key = address_of(key);
    update.value = address_of(value);
    if (::syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &update, sizeof(update)) < 0)
        return fail_errno("put a socket into a map");
    return map;
}

Result<FileDescriptor> load(const Program& program) {
    static constexpr char license[] = "";
    bpf_attr load{};
    load.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
    load.expected_attach_type = BPF_SK_LOOKUP;
    load.insns = reinterpret_cast<std::uintptr_t>(program.data());
    load.insn_cnt = static_cast<std::uint32_t>(program.size());
    load.license = reinterpret_cast<std::uintptr_t>(license);
    return call_bpf(BPF_PROG_LOAD, load, "load a program of the kind sk_lookup");
}

Result<FileDescriptor> attach(int program) {
    NACRE_ASSIGN(const auto own, open_file("/proc/thread-self/ns/net", O_RDONLY));
    bpf_attr link{};
    link.link_create.prog_fd = static_cast<std::uint32_t>(program);
    link.link_create.target_fd = static_cast<std::uint32_t>(own.get());
    link.link_create.attach_type = BPF_SK_LOOKUP;
    return call_bpf(BPF_LINK_CREATE, link, "attach a program to the network namespace");
}

}  // namespace

std::vector<bpf_insn> loopback_program(int socket_map) {
    const auto loopback_ipv4 = htonl(INADDR_LOOPBACK);
    const auto last_of_ipv6 = htonl(1);
    constexpr auto ipv6_word = [](std::size_t word) { return offsetof(bpf_sk_lookup, local_ip6) + 4 * word; };
    constexpr int key_place = -4;
    Program program{
        move(context, first_argument),
        load_field(offsetof(bpf_sk_lookup, protocol)),
        skip_unless(IPPROTO_TCP, to_pass),
        load_field(offsetof(bpf_sk_lookup, family)),
        skip_unless(AF_INET, 3),
        load_field(offsetof(bpf_sk_lookup, local_ip4)),
        skip_unless(loopback_ipv4, to_pass),
        instruction(BPF_JMP | BPF_JA, 0, 0, 8, 0),
        load_field(ipv6_word(0)),
        skip_unless(0, to_pass),
        load_field(ipv6_word(1)),
        skip_unless(0, to_pass),
        load_field(ipv6_word(2)),
        skip_unless(0, to_pass),
        load_field(ipv6_word(3)),
        skip_unless(last_of_ipv6, to_pass),
        instruction(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, key_place, 0),
        instruction(BPF_LD | BPF_DW | BPF_IMM, first_argument, BPF_PSEUDO_MAP_FD, 0, socket_map),
        instruction(0, 0, 0, 0, 0),
        move(second_argument, BPF_REG_10),
        instruction(BPF_ALU64 | BPF_ADD | BPF_K, second_argument, 0, 0, key_place),
        call(BPF_FUNC_map_lookup_elem),
        instruction(BPF_JMP | BPF_JEQ | BPF_K, result, 0, to_pass, 0),
        move(socket_found, result),
        move(first_argument, context),
        move(second_argument, socket_found),
        set(third_argument, 0),
        call(BPF_FUNC_sk_assign),
        move(first_argument, socket_found),
        call(BPF_FUNC_sk_release),
        set(result, SK_PASS),
        instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    // The last two.
    const auto pass = program.size() - 2;
    for (std::size_t i = 0; i < program.size(); ++i) {
        if (program[i].off == to_pass &&
            (BPF_CLASS(program[i].code) == BPF_JMP || BPF_CLASS(program[i].code) == BPF_JMP32))
            program[i].off = static_cast<std::int16_t>(pass - i - 1);
    }
    return program;
}

Result<LoopbackListener> LoopbackListener::create() {
    NACRE_ASSIGN(auto socket, listen_on_loopback());
    NACRE_ASSIGN(const auto map, make_socket_map(socket.get()));
    NACRE_ASSIGN(const auto program, load(loopback_program(map.get())));
    NACRE_ASSIGN(auto link, attach(program.get()));
    return LoopbackListener(std::move(socket), std::move(link));
}

Result<FileDescriptor> LoopbackListener::accept() const {
    for (;;) {
        FileDescriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (accepted)
            return accepted;
        if (errno != EINTR && errno != ECONNABORTED)
            return fail_errno("accept a connection to the container");
    }
}

}  // namespace nacre::runtime
