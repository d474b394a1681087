#include "runtime/network/name_relay.h"

#include <memory>
#include <mutex>
#include <semaphore>

#include "runtime/network/embedded_name_server.h"
#include "runtime/vm/agent_connection.h"
#include "vmm/base/thread.h"

namespace nacre::runtime {

namespace {

constexpr int answer_timeout_ms = 60'000;
constexpr std::ptrdiff_t max_questions = 64;
constexpr std::size_t stack_bytes = 128 << 10;

/// The connection that questions come from. Answers are sent by the threads that have asked.
class Relay {
  public:
    Relay(AgentConnection agent, std::string container)
        : agent_(std::move(agent)), container_(std::move(container)) {}

    /// The next question; waits until there is room for it. An error at the end of the VM.
    Result<protocol::NameQuestion> next() {
        places_.acquire();
        for (;;) {
            NACRE_ASSIGN(auto message, agent_.receive(-1));
            if (auto* question = std::get_if<protocol::NameQuestion>(&message))
                return std::move(*question);
            // Done: an answer has arrived.
            if (!std::holds_alternative<protocol::Done>(message))
                return fail("the guest agent sent a message out of order");
        }
    }

    void ask(const protocol::NameQuestion& question) {
        if (auto answer = ask_embedded_name_server(question.tcp, question.message)) {
            const std::lock_guard lock(sending_);
            (void)agent_.send(protocol::NameAnswer{container_, question.number, std::move(*answer)});
        }
        drop();
    }

    /// The end of a question, answered or not.
    void drop() { places_.release(); }

  private:
    AgentConnection agent_;
    std::string container_;
    std::mutex sending_;
    std::counting_semaphore<max_questions> places_{max_questions};
};

Result<AgentConnection> serve_names(const std::string& vm_directory, const std::string& container) {
    NACRE_ASSIGN(auto agent,
                 AgentConnection::connect(vm_directory, protocol::control_port, answer_timeout_ms));
    NACRE_TRY(agent.call(protocol::ServeNames{container}, answer_timeout_ms));
    return agent;
}

/// In a thread of its own; without one, for want of tasks, the question is lost, as any datagram may be.
void ask_aside(const std::shared_ptr<Relay>& relay, protocol::NameQuestion question) {
    auto asking = Thread::start("name-question", stack_bytes,
                                [relay, question = std::move(question)] { relay->ask(question); });
    if (asking)
        asking->detach();
    else
        relay->drop();
}

void run(const std::string& vm_directory, const std::string& container) {
    auto agent = serve_names(vm_directory, container);
    if (!agent)
        return;
    const auto relay = std::make_shared<Relay>(std::move(*agent), container);
    while (auto question = relay->next())
        ask_aside(relay, std::move(*question));
}

}  // namespace

void relay_names(const std::string& vm_directory, const std::string& container) {
    // Without a thread, for want of tasks, no question is answered.
    auto relaying =
        Thread::start("names", stack_bytes, [vm_directory, container] { run(vm_directory, container); });
    if (relaying)
        relaying->detach();
}

}  // namespace nacre::runtime
