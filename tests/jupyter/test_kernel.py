"""jupyter_kernel_test's judgement of the kernel: all 13 tests."""

import jupyter_kernel_test

KERNEL = "bpftrace"


class KernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = KERNEL
    language_name = "bpftrace"
    file_extension = ".bt"
    code_hello_world = 'printf("hello, world\\n");'
    code_stderr = "@zero = 0; print(7 / @zero);"
    completion_samples = [
        {"text": "%%tr", "matches": {"%%trace"}},
        {"text": "tracepoint:raw_syscalls:sys_ent", "matches": {"sys_enter"}},
    ]
    complete_code_samples = ["@a = 1;", "begin { exit(); }", "%maps", "@a"]
    incomplete_code_samples = ["begin { ", "tracepoint:raw_syscalls:sys_enter /pid == 1/ {\n  @a = 1;", "@a = (1"]
    invalid_code_samples = ["begin { ) }"]
    code_page_something = "%help"
    code_generate_error = "@a = nonsense;"
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "(1, 2)", "result": "(1, 2)"},
        {"code": "@answer = 42; @answer", "result": "@answer: 42\n"},
    ]
    code_display_data = [
        {"code": "%%trace 300ms\ninterval:ms:50 { @ticks = count(); }", "mime": "image/svg+xml"},
    ]
    code_history_pattern = "6 ? 7"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "printf"
    code_clear_output = "%clear"


class IopubWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = KERNEL
    support_iopub_welcome = True
