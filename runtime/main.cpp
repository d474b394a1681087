#include <string>
#include <vector>

#include "runtime/cli/application.h"
#include "runtime/commands/commands.h"

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return nacre::cli::run_application(words, nacre::commands::all());
}
