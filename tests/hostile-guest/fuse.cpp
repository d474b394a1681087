#include "tests/hostile-guest/fuse.h"

namespace hostile::fuse {

namespace {

constexpr u32 most_request_bytes = 160 * 1024;
constexpr u32 most_answer_bytes = 64 * 1024;

Device found(0);
u8 request_bytes[most_request_bytes];
u8 answer_bytes[most_answer_bytes];
u64 next_unique = 2;
u32 added;

/// What stands in files of the host that are not for guests, and nowhere else.
constexpr const char* secret = "THE SECRET OF THE HOST";

void look_for_secret(const Answer& answer) {
    if (answer.bytes != 0 && contains(answer.body(), answer.bytes, secret))
        say(Text() << "ESCAPED: read a secret of the host");
}

}  // namespace

const u8* Answer::body() const {
    return answer_bytes + sizeof(fuse_out_header);
}

Request::Request(u32 opcode, u64 node) {
    fuse_in_header begin{};
    begin.opcode = opcode;
    begin.nodeid = node;
    begin.unique = next_unique += 2;
    memcpy(request_bytes, &begin, sizeof begin);
    added = sizeof begin;
    header().len = added;
}

Request& Request::add(const void* part, u32 bytes) {
    if (bytes > most_request_bytes - added)
        bytes = most_request_bytes - added;
    memcpy(request_bytes + added, part, bytes);
    added += bytes;
    header().len = added;
    return *this;
}

fuse_in_header& Request::header() {
    return *reinterpret_cast<fuse_in_header*>(request_bytes);
}

u32 Request::size() const {
    return added;
}

Answer Request::send() {
    Answer answer;
    memset(answer_bytes, 0, sizeof(fuse_out_header));
    const long length = exchange(found, requests, request_bytes, added, answer_bytes, most_answer_bytes);
    if (length < static_cast<long>(sizeof(fuse_out_header)))
        return answer;
    fuse_out_header out;
    memcpy(&out, answer_bytes, sizeof out);
    answer.came = true;
    answer.error = out.error;
    answer.bytes = static_cast<u32>(length) - static_cast<u32>(sizeof out);
    look_for_secret(answer);
    return answer;
}

const Device& device() {
    return found;
}

const Device& start() {
    found = find_device(Kind::fs);
    hostile::start(found);
    fuse_init_in in{};
    in.major = 7;
    in.minor = 38;
    in.max_readahead = 1 << 20;
    in.flags = FUSE_DO_READDIRPLUS | FUSE_MAX_PAGES | FUSE_BIG_WRITES | FUSE_INIT_EXT;
    if (!Request(FUSE_INIT, 0).add(in).send().succeeded())
        say(Text() << "FAILED: the file server does not answer INIT");
    return found;
}

u64 look_up(u64 parent, const char* name, u32* mode) {
    const auto answer = Request(FUSE_LOOKUP, parent).name(name).send();
    if (!answer.succeeded() || answer.bytes < sizeof(fuse_entry_out))
        return 0;
    const auto& entry = answer.as<fuse_entry_out>();
    if (mode != nullptr)
        *mode = entry.attr.mode;
    return entry.nodeid;
}

u64 walk(const char* path) {
    u64 node = root;
    while (*path != '\0' && node != 0) {
        char name[256] = {};
        for (u32 i = 0; *path != '\0' && *path != '/' && i + 1 < sizeof name; ++path)
            name[i++] = *path;
        node = look_up(node, name);
        if (*path == '/')
            ++path;
    }
    return node;
}

u64 container_root() {
    const u64 node = walk("box/rootfs");
    if (node == 0)
        say(Text() << "FAILED: the share has no root file system");
    return node;
}

Answer read_file(u64 node) {
    fuse_open_in open{};
    auto opened = Request(FUSE_OPEN, node).add(open).send();
    if (!opened.succeeded())
        return opened;
    fuse_read_in in{};
    in.fh = opened.as<fuse_open_out>().fh;
    in.size = 4096;
    return Request(FUSE_READ, node).add(in).send();
}

}  // namespace hostile::fuse
