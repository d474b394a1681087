#include "runtime/cgroup/systemd/manager.h"

#include <unistd.h>

#include <chrono>

namespace nacre::systemd {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* destination = "org.freedesktop.systemd1";
constexpr const char* object = "/org/freedesktop/systemd1";
constexpr const char* interface = "org.freedesktop.systemd1.Manager";
constexpr const char* private_address = "unix:path=/run/systemd/private";
constexpr std::uint64_t call_timeout_us = 25'000'000;
constexpr auto job_timeout = std::chrono::seconds(30);

Result<void> check(int result, const char* what) {
    if (result < 0)
        return fail_with(-result, "{}", what);
    return {};
}

/// systemd's own socket, of which no bus is in the way.
sd_bus* connect_privately() {
    sd_bus* bus = nullptr;
    if (sd_bus_new(&bus) < 0)
        return nullptr;
    if (sd_bus_set_address(bus, private_address) >= 0 && sd_bus_start(bus) >= 0)
        return bus;
    sd_bus_unref(bus);
    return nullptr;
}

}  // namespace

Result<Manager> Manager::connect() {
    if (::geteuid() == 0)
        if (sd_bus* bus = connect_privately())
            return Manager(bus);
    sd_bus* bus = nullptr;
    NACRE_TRY(check(sd_bus_open_system(&bus), "connect to the system bus"));
    return Manager(bus);
}

Result<Manager::MessagePointer> Manager::call(const char* method, const Fill& fill, std::string* refusal) {
    sd_bus_message* raw = nullptr;
    NACRE_TRY(check(sd_bus_message_new_method_call(bus_.get(), &raw, destination, object, interface, method),
                    method));
    const MessagePointer request(raw);
    if (fill)
        NACRE_TRY(fill(request.get()));
    sd_bus_error error{};
    sd_bus_message* reply = nullptr;
    const int result = sd_bus_call(bus_.get(), request.get(), call_timeout_us, &error, &reply);
    if (result >= 0)
        return MessagePointer(reply);
    const std::string words = error.message != nullptr ? error.message : errno_text(-result);
    if (refusal != nullptr && error.name != nullptr)
        *refusal = error.name;
    sd_bus_error_free(&error);
    return fail("{}", words);
}

Result<void> Manager::subscribe() {
    // systemd tells all peers of its own socket; on the bus, those that ask.
    if (sd_bus_is_bus_client(bus_.get()) > 0)
        NACRE_TRY(call("Subscribe", {}));
    return {};
}

namespace {

/// A job that is waited for.
struct Job {
    std::string path;
    std::string result;  // empty: still at work
};

int on_job_removed(sd_bus_message* message, void* data, sd_bus_error*) {
    auto& job = *static_cast<Job*>(data);
    std::uint32_t id = 0;
    const char* path = nullptr;
    const char* unit = nullptr;
    const char* result = nullptr;
    if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 && job.path == path)
        job.result = result;
    return 0;
}

/// Lets the bus deliver what has come until the job has ended.
Result<void> process_until_done(sd_bus* bus, const Job& job) {
    const auto end = Clock::now() + job_timeout;
    while (job.result.empty()) {
        const int processed = sd_bus_process(bus, nullptr);
        NACRE_TRY(check(processed, "listen to systemd"));
        if (processed > 0)
            continue;
        const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - Clock::now()).count();
        if (left <= 0)
            return fail("systemd has not done it within {} s", job_timeout.count());
        NACRE_TRY(check(sd_bus_wait(bus, static_cast<std::uint64_t>(left)), "wait for systemd"));
    }
    return {};
}

}  // namespace

Result<void> Manager::run_job(const char* method, const Fill& fill, std::string* refusal) {
    Job job;
    sd_bus_slot* raw = nullptr;
    // Before the call: the job may be done before the reply is read.
    NACRE_TRY(check(
        sd_bus_match_signal(bus_.get(), &raw, nullptr, object, interface, "JobRemoved", on_job_removed, &job),
        "listen for JobRemoved"));
    const std::unique_ptr<sd_bus_slot, decltype(&sd_bus_slot_unref)> slot(raw, sd_bus_slot_unref);
    NACRE_TRY(subscribe());
    NACRE_ASSIGN(const auto reply, call(method, fill, refusal));
    const char* path = nullptr;
    NACRE_TRY(check(sd_bus_message_read(reply.get(), "o", &path), "read systemd's reply"));
    job.path = path;
    NACRE_TRY(process_until_done(bus_.get(), job));
    if (job.result != "done")
        return fail("systemd's job ended with \"{}\"", job.result);
    return {};
}

Result<void> Manager::forget_failed(const std::string& unit) {
    NACRE_TRY(call("ResetFailedUnit", [&](sd_bus_message* request) {
        return check(sd_bus_message_append(request, "s", unit.c_str()), "append the unit");
    }));
    return {};
}

Result<void> Manager::start(const std::string& unit, Words properties) {
    const auto fill = [&](sd_bus_message* request) -> Result<void> {
        NACRE_TRY(check(sd_bus_message_append(request, "ss", unit.c_str(), "replace"), "append the unit"));
        NACRE_TRY(append_properties(request, properties));
        return check(sd_bus_message_append(request, "a(sa(sv))", 0), "append no further units");
    };
    std::string refusal;
    auto started = run_job("StartTransientUnit", fill, &refusal);
    if (!started && refusal == "org.freedesktop.systemd1.UnitExists" && forget_failed(unit))
        started = run_job("StartTransientUnit", fill, &refusal);
    return started;
}

Result<void> Manager::set(const std::string& unit, Words properties) {
    const auto fill = [&](sd_bus_message* request) -> Result<void> {
        NACRE_TRY(check(sd_bus_message_append(request, "sb", unit.c_str(), 1), "append the unit"));
        return append_properties(request, properties);
    };
    NACRE_TRY(call("SetUnitProperties", fill));
    return {};
}

Result<void> Manager::stop(const std::string& unit) {
    std::string refusal;
    const auto stopped = run_job(
        "StopUnit",
        [&](sd_bus_message* request) {
            return check(sd_bus_message_append(request, "ss", unit.c_str(), "replace"), "append the unit");
        },
        &refusal);
    // A unit that has not failed, or is gone, has nothing to be forgotten.
    [[maybe_unused]] const auto forgotten = forget_failed(unit);
    if (refusal == "org.freedesktop.systemd1.NoSuchUnit")
        return {};
    return stopped;
}

}  // namespace nacre::systemd
