#include <cstdio>
#include <string>
#include <vector>

#include "runtime/cli/application.h"
#include "runtime/cli/standard_streams.h"
#include "runtime/commands/commands.h"

int main(int argc, char** argv) {
    if (const auto opened = nacre::cli::open_closed_standard_streams(); !opened) {
        (void)std::fprintf(stderr, "%s\n", opened.error().message.c_str());
        return 1;
    }
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return nacre::cli::run_application(words, nacre::commands::all());
}
