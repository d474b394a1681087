#include "vmm/machine/lifeline.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "vmm/machine/exit_status.h"

namespace nacre::machine {

Result<std::unique_ptr<Lifeline>> Lifeline::watch(EventLoop& loop, FileDescriptor reader, Log& log) {
    std::unique_ptr<Lifeline> lifeline(new Lifeline(loop, std::move(reader)));
    // EPOLLHUP is always reported.
    NACRE_TRY(loop.add(lifeline->reader_.get(), 0, [&log](std::uint32_t events) {
        if ((events & (EPOLLHUP | EPOLLERR)) == 0)
            return;
        log.write(LogLevel::info, "nobody stands for a container of this VM any more");
        ::_exit(static_cast<int>(ExitStatus::abandoned));
    }));
    return lifeline;
}

Lifeline::~Lifeline() {
    loop_.remove(reader_.get());
}

}  // namespace nacre::machine
