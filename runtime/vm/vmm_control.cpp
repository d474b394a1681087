#include "runtime/vm/vmm_control.h"

#include <poll.h>
#include <sys/socket.h>

#include "runtime/vm/agent_connection.h"
#include "runtime/vm/vm_sockets.h"
#include "vmm/control/packet.h"

namespace nacre::runtime {

namespace {

Result<void> wait_for_answer(int socket, int timeout_ms) {
    pollfd entry{socket, POLLIN, 0};
    int ready = 0;
    do
        ready = ::poll(&entry, 1, timeout_ms);
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return fail_errno("wait for nacre-vmm");
    if (ready == 0)
        return fail_with(ETIMEDOUT, "nacre-vmm does not answer");
    return {};
}

/// Takes out what the guest did not want; the error of that is what counts.
void withdraw(const std::string& vm_directory, std::uint32_t slot, int timeout_ms) {
    (void)call_vmm(vm_directory, control::DetachDevice{slot}, {}, timeout_ms);
}

}  // namespace

Result<control::Reply> call_vmm(const std::string& vm_directory, const control::RequestMessage& request,
                                const std::vector<int>& descriptors, int timeout_ms) {
    NACRE_ASSIGN(const auto socket, connect_in(vm_directory, control_socket_name, SOCK_SEQPACKET));
    NACRE_TRY(control::send_packet(socket.get(), control::encode(request), descriptors, 0));
    NACRE_TRY(wait_for_answer(socket.get(), timeout_ms));
    NACRE_ASSIGN(const auto packet, control::receive_packet(socket.get(), MSG_DONTWAIT));
    NACRE_ASSIGN(auto reply, control::decode_reply(packet.text));
    if (const auto* failed = std::get_if<control::Failed>(&reply))
        return tl::unexpected(Error{failed->message, static_cast<int>(failed->code)});
    return reply;
}

Result<AttachedDevice> attach_device(const std::string& vm_directory, const control::RequestMessage& request,
                                     const std::vector<int>& descriptors, int timeout_ms) {
    NACRE_ASSIGN(const auto reply, call_vmm(vm_directory, request, descriptors, timeout_ms));
    const auto* attached = std::get_if<control::Attached>(&reply);
    if (attached == nullptr)
        return fail("attach a device: nacre-vmm gave an answer that was not asked for");
    const auto answer = call_agent(vm_directory, protocol::ProbeDevice{attached->slot}, timeout_ms);
    const auto* found = answer ? std::get_if<protocol::DeviceFound>(&*answer) : nullptr;
    if (found != nullptr)
        return AttachedDevice{attached->slot, found->name};
    withdraw(vm_directory, attached->slot, timeout_ms);
    return answer ? fail("attach a device: the guest agent gave an answer that was not asked for")
                  : tl::unexpected(answer.error());
}

Result<void> detach_device(const std::string& vm_directory, std::uint32_t slot, int timeout_ms) {
    NACRE_TRY(call_agent(vm_directory, protocol::ReleaseDevice{slot}, timeout_ms));
    NACRE_TRY(call_vmm(vm_directory, control::DetachDevice{slot}, {}, timeout_ms));
    return {};
}

}  // namespace nacre::runtime
