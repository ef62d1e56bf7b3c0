// SPDX-License-Identifier: MIT

package minderbinder

import "syscall"

// rawCall makes a system call by an instruction of its own, which this process's filter lets pass wherever it names the call.
// result is negative for an error. address is where the kernel sees the call come from: after the instruction. The thread
// keeps its P, so the call must not wait.
//
//go:noescape
func rawCall(number, a, b, c, d, e uintptr) (result, address uintptr)

func passingAddress() uint64 {
	_, address := rawCall(syscall.SYS_GETPID, 0, 0, 0, 0, 0)
	return uint64(address)
}

//go:nosplit
func errnoOf(result uintptr) syscall.Errno {
	if int(result) < 0 {
		return syscall.Errno(-int(result))
	}
	return 0
}
