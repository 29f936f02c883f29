# Declares the libraries of corun, for corunConfig.cmake and for the CMakeLists.txt of the sources.

# Only Asio appears in corun's headers. It may be installed elsewhere than corun.
find_path(CORUN_ASIO_INCLUDE_DIRECTORY asio.hpp DOC "The directory of asio.hpp (standalone Asio)")
find_package(Threads REQUIRED)

# The target of a library that a static library of corun needs, visible everywhere; else the name of its file.
function(corun_find_library result package target name)
    if(NOT TARGET ${target})
        find_package(${package} QUIET)
        if(TARGET ${target})
            get_target_property(aliased ${target} ALIASED_TARGET)
            if(aliased)
                set(target ${aliased})
            endif()
            set_property(TARGET ${target} PROPERTY IMPORTED_GLOBAL TRUE)
        else()
            set(target ${name})
        endif()
    endif()
    set(${result} ${target} PARENT_SCOPE)
endfunction()

# corun_declare(corun|c|emulator|gateway SHARED|STATIC LIBRARY_DIRECTORY INCLUDE_DIRECTORY) declares corun::NAME.
function(corun_declare name kind library_directory include_directory)
    if(name STREQUAL corun)
        set(file libcorun)
        set(linked Threads::Threads)
    else()
        set(file libcorun-${name})
        set(linked corun::corun)
    endif()
    set(suffix .so)
    if(kind STREQUAL STATIC)
        set(suffix .a)
        if(name STREQUAL corun)
            corun_find_library(curl CURL CURL::libcurl curl)
            corun_find_library(simdjson simdjson simdjson::simdjson simdjson)
            list(APPEND linked $<LINK_ONLY:${curl}> $<LINK_ONLY:${simdjson}>)
        elseif(name MATCHES "emulator|gateway")
            corun_find_library(fmt fmt fmt::fmt fmt)
            list(APPEND linked $<LINK_ONLY:${fmt}> $<LINK_ONLY:http_parser>)
        endif()
    endif()

    add_library(corun::${name} ${kind} IMPORTED GLOBAL)
    set_target_properties(corun::${name} PROPERTIES
        IMPORTED_LOCATION "${library_directory}/${file}${suffix}"
        INTERFACE_INCLUDE_DIRECTORIES "${include_directory}"
        INTERFACE_LINK_LIBRARIES "${linked}")
    if(name STREQUAL c)
        # Its header needs nothing of C++, its shared library finds corun by itself.
        set_target_properties(corun::c PROPERTIES
            INTERFACE_LINK_LIBRARIES ""
            IMPORTED_LINK_DEPENDENT_LIBRARIES corun::corun)
        if(kind STREQUAL STATIC)
            set_target_properties(corun::c PROPERTIES
                INTERFACE_LINK_LIBRARIES $<LINK_ONLY:corun::corun>
                IMPORTED_LINK_INTERFACE_LANGUAGES CXX)
        endif()
    elseif(name STREQUAL corun)
        # Every file that includes Asio needs them. clang does not find its coroutines in an Asio before 1.24.
        set_target_properties(corun::corun PROPERTIES
            INTERFACE_COMPILE_DEFINITIONS "ASIO_STANDALONE;ASIO_DISABLE_STD_ALIGNED_ALLOC;$<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT=1>;$<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_STD_COROUTINE=1>"
            INTERFACE_COMPILE_FEATURES cxx_std_20
            INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${CORUN_ASIO_INCLUDE_DIRECTORY}")
        set_property(TARGET corun::corun APPEND PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${CORUN_ASIO_INCLUDE_DIRECTORY}")
    endif()
endfunction()
