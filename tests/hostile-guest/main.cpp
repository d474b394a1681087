#include "tests/hostile-guest/attacks/attacks.h"

namespace hostile {

namespace {

struct Attack {
    const char* name;
    void (*run)();
};

/// The mildest: nothing is ever answered any more.
void fall_silent() {}

constexpr Attack attacks[] = {
    {"silence", fall_silent},
    {"registers", attack_registers},
    {"queue-setup", attack_queue_setup},
    {"moving-rings", attack_moving_rings},
    {"rings", attack_rings},
    {"changing-rings", attack_changing_rings},
    {"doorbells", attack_with_doorbells},
    {"console", attack_console},
    {"serial-port", attack_serial_port},
    {"log", attack_log},
    {"endless", attack_endlessly},
    {"memory", attack_memory},
    {"packets", attack_with_packets},
    {"own-connections", attack_own_connections},
    {"file-server", attack_file_server},
    {"disk", attack_disk},
    {"interface", attack_interface},
    {"paths", attack_paths},
    {"race", attack_by_race},
    {"hoard", attack_by_hoarding},
    {"kills", fall_silent},
};

bool is(const Text& name, const char* other) {
    return name.size() == length_of(other) && same(name.data(), other, name.size());
}

}  // namespace

/// The host gets its container; then the attack; then nothing more.
void run() {
    const auto name = scenario();
    agent::serve_until_started();
    for (const auto& attack : attacks) {
        if (!is(name, attack.name))
            continue;
        say(Text() << "attack: " << name.data());
        attack.run();
        say(Text() << "over: " << name.data());
    }
    halt();
}

}  // namespace hostile
