#pragma once

#include <systemd/sd-bus.h>

#include <functional>
#include <memory>
#include <string>

#include "runtime/cgroup/systemd/request.h"

namespace nacre::systemd {

/// systemd's Manager object (org.freedesktop.systemd1(5)), over systemd's own socket where that may be used
/// (root), else over the system bus. Single-threaded.
class Manager {
  public:
    static Result<Manager> connect();

    /// StartTransientUnit, and waits until its job is done. A failed unit of that name that is left over is
    /// forgotten first.
    Result<void> start(const std::string& unit, Words properties);

    /// SetUnitProperties, for as long as the unit runs.
    Result<void> set(const std::string& unit, Words properties);

    /// StopUnit, and waits until its job is done; then ResetFailedUnit. A unit that is not there is fine.
    Result<void> stop(const std::string& unit);

  private:
    struct Bus {
        void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
    };
    struct Message {
        void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
    };
    using MessagePointer = std::unique_ptr<sd_bus_message, Message>;

    /// What fills a request in.
    using Fill = std::function<Result<void>(sd_bus_message*)>;

    explicit Manager(sd_bus* bus) : bus_(bus) {}

    /// The reply; an error if systemd refused, whose name `refusal` gets.
    Result<MessagePointer> call(const char* method, const Fill& fill, std::string* refusal = nullptr);

    /// A call that starts a job, which is waited for.
    Result<void> run_job(const char* method, const Fill& fill, std::string* refusal);
    Result<void> wait_for(const std::string& job);
    Result<void> subscribe();
    Result<void> forget_failed(const std::string& unit);

    std::unique_ptr<sd_bus, Bus> bus_;
};

}  // namespace nacre::systemd
