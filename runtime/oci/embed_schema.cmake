# embed_schema(<variable> <folder>): bundles the OCI configuration schemas in <folder> into one JSON schema without
# references between files, writes it as a C++ source, and names that in <variable>. What later versions of the
# specification allow and these schemas do not is cut out here; the parser and validation.cpp check it instead.
set(schema_files config-schema.json config-linux.json config-vm.json defs.json defs-linux.json defs-vm.json)

# "<file> <member>…": what is removed.
set(schema_removals
    "config-schema.json properties solaris"               # other platforms: ignored, as unknown members are
    "config-schema.json properties windows"
    "config-schema.json properties zos"
    "defs-linux.json definitions NamespaceType enum"      # 1.1: "time"
    "defs-linux.json definitions SeccompArch enum"        # 1.2: more architectures
    "defs-linux.json definitions SeccompFlag enum"
    "defs-linux.json definitions RootfsPropagation enum"  # docker sends "rslave" and the like
    "defs-linux.json definitions FileMode maximum"        # docker sends the file type's bits too
    "config-linux.json linux properties resources properties pids required"  # 1.3: optional
    "config-vm.json vm required")                         # 1.3: hwConfig alone

# Adds the members of the object <from> to "definitions" of the JSON text in <variable>.
function(add_definitions variable from)
    set(bundle "${${variable}}")
    string(JSON count LENGTH "${from}")
    math(EXPR last "${count} - 1")
    foreach(index RANGE ${last})
        string(JSON name MEMBER "${from}" ${index})
        string(JSON value GET "${from}" ${name})
        string(JSON known ERROR_VARIABLE missing GET "${bundle}" definitions ${name})
        if(NOT missing)
            message(FATAL_ERROR "two OCI schema files define ${name}")
        endif()
        string(JSON bundle SET "${bundle}" definitions ${name} "${value}")
    endforeach()
    set(${variable} "${bundle}" PARENT_SCOPE)
endfunction()

function(embed_schema variable folder)
    foreach(file ${schema_files})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${file})
        file(READ ${folder}/${file} schema_${file})
    endforeach()
    foreach(removal ${schema_removals})
        string(REPLACE " " ";" path ${removal})
        list(POP_FRONT path file)
        string(JSON schema_${file} REMOVE "${schema_${file}}" ${path})
    endforeach()

    string(JSON bundle SET "${schema_config-schema.json}" definitions "{}")
    foreach(file defs.json defs-linux.json defs-vm.json)
        string(JSON definitions GET "${schema_${file}}" definitions)
        add_definitions(bundle "${definitions}")
    endforeach()
    add_definitions(bundle "${schema_config-linux.json}")
    add_definitions(bundle "${schema_config-vm.json}")
    string(REGEX REPLACE "[a-z-]+\\.json#/(definitions/)?" "#/definitions/" bundle "${bundle}")
    string(REGEX REPLACE "\n[ \t]*" "" bundle "${bundle}")
    # What only people read; it would be read at every start.
    set(remark "\"(description|id|\\$schema)\" : \"[^\"]*\"")
    string(REGEX REPLACE "${remark}," "" bundle "${bundle}")
    string(REGEX REPLACE ",?${remark}" "" bundle "${bundle}")
    string(REGEX REPLACE "\" : " "\":" bundle "${bundle}")

    set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded_schema.cpp)
    file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
#include "runtime/oci/embedded_schema.h"

namespace nacre::oci {

const std::string_view embedded_schema = R"json(@bundle@)json";

}  // namespace nacre::oci
]])
    set(${variable} ${source} PARENT_SCOPE)
endfunction()
