#include "vmm/fuse/worker.h"

#include <algorithm>

#include "vmm/fuse/iovecs.h"

namespace nacre::fuse {

namespace {

/// The longest request apart from WRITE: SETXATTR with a name and a value of 64 KiB.
constexpr std::size_t max_arguments = 80 * 1024;

/// Memory that a worker keeps for the next request; larger ones are given back.
constexpr std::size_t kept_memory = 16 * 1024;

void give_back_excess(std::vector<std::byte>& memory) {
    if (memory.capacity() > kept_memory)
        std::vector<std::byte>().swap(memory);
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::create(FileSystem& file_system) {
    NACRE_ASSIGN(const auto credentials,
                 ThreadCredentials::take_over_thread(file_system.descriptor_directory()));
    return std::unique_ptr<Worker>(new Worker(file_system, credentials));
}

std::size_t Worker::handle(std::span<const iovec> request, std::span<const iovec> reply_space) {
    const std::size_t request_length = total_length(request);
    fuse_in_header header{};
    if (gather(request, std::as_writable_bytes(std::span(&header, 1))) < sizeof header)
        header = {};  // answered as far as that goes: without its number
    Reply reply(reply_space, reply_);
    const std::size_t length = carry_out(header, request, request_length, reply);
    give_back_excess(arguments_);
    give_back_excess(reply_);
    return length;
}

std::size_t Worker::carry_out(const fuse_in_header& header, std::span<const iovec> request,
                              std::size_t request_length, Reply& reply) {
    const Operation operation = operation_for(header.opcode);
    const auto outcome = run(operation, header, request, request_length, reply);
    if (!operation.has_reply)
        return 0;
    return outcome ? reply.finish(header.unique)
                   : reply.finish_with_error(header.unique, outcome.error().value);
}

Outcome<> Worker::run(const Operation& operation, const fuse_in_header& header,
                      std::span<const iovec> request, std::size_t request_length, Reply& reply) {
    if (header.len != request_length || request_length < sizeof header)
        return refuse(EINVAL);
    if (operation.run == nullptr)
        return refuse(ENOSYS);
    if (!file_system_.initialized() && header.opcode != FUSE_INIT)
        return refuse(EIO);
    const std::size_t copied =
        sizeof header + (operation.has_payload ? sizeof(fuse_write_in) : max_arguments);
    if (request_length > copied && !operation.has_payload)
        return refuse(E2BIG);
    arguments_.resize(std::min(request_length, copied));
    gather(request, arguments_);
    Arguments arguments(std::span<const std::byte>(arguments_).subspan(sizeof header));
    const auto payload = operation.has_payload ? slice(request, copied, max_payload) : std::vector<iovec>();
    Call call{header, arguments, payload, reply, file_system_, credentials_};
    credentials_.act_as(header.uid, header.gid);
    return operation.run(call);
}

}  // namespace nacre::fuse
