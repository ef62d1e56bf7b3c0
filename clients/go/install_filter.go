// SPDX-License-Identifier: MIT

package minderbinder

import (
	"runtime"
	"syscall"
	"unsafe"
)

// Of linux/prctl.h, linux/seccomp.h and src/launcher/shared/joining.h.
const (
	prSetNoNewPrivs = 38
	prSetPtracer    = 0x59616d61

	setModeFilter    = 1
	flagTsync        = 1 << 0
	flagNewListener  = 1 << 3
	flagTsyncEsrch   = 1 << 4
	flagWaitKillable = 1 << 5 // Linux 5.19

	sigSetmask = 2
	sigsetSize = 8
)

type instruction struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

type program struct {
	length uint16
	code   *instruction
}

// A message with the listener. Its address goes to the kernel, so it stays where it is.
type handover struct {
	header  syscall.Msghdr
	part    syscall.Iovec
	kind    uint32
	control struct {
		header   syscall.Cmsghdr
		listener int32
		unused   int32
	}
}

func newHandover() *handover {
	h := &handover{kind: joinListener}
	h.part.Base = (*byte)(unsafe.Pointer(&h.kind))
	h.part.Len = uint64(unsafe.Sizeof(h.kind))
	h.header.Iov = &h.part
	h.header.Iovlen = 1
	h.control.header.Level = syscall.SOL_SOCKET
	h.control.header.Type = syscall.SCM_RIGHTS
	h.control.header.Len = uint64(unsafe.Offsetof(h.control.listener) + unsafe.Sizeof(h.control.listener))
	h.header.Control = (*byte)(unsafe.Pointer(&h.control))
	h.header.Controllen = uint64(unsafe.Sizeof(h.control))
	return h
}

// installFilter puts the filter on all threads and hands its listener over: 0, or the error of seccomp(2).
func installFilter(code []instruction, socket int) syscall.Errno {
	filter := &program{uint16(len(code)), &code[0]}
	message := newHandover()
	flags := uintptr(flagNewListener | flagTsync | flagTsyncEsrch | flagWaitKillable)
	// A child that is forked in between would have a copy of the listener.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	runtime.LockOSThread() // Its no_new_privs is for what it installs.
	defer runtime.UnlockOSThread()
	err := tryToInstall(flags, filter, socket, message)
	if err == syscall.EINVAL {
		flags &^= flagWaitKillable
		err = tryToInstall(flags, filter, socket, message)
	}
	if err == syscall.EACCES { // Only without CAP_SYS_ADMIN: with it, setuid programs go on working.
		rawCall(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0)
		err = tryToInstall(flags, filter, socket, message)
	}
	runtime.KeepAlive(code)
	return err
}

// Once there is a filter and until the listener is handed over, a call that it names waits, of whatever thread; and the runtime
// waits for such a thread when it stops the world. So this one is not preempted in between (nosplit, assembly), takes no
// signal, and makes only calls that the filter lets pass.
//
//go:nosplit
//go:norace
func tryToInstall(flags uintptr, filter *program, socket int, message *handover) syscall.Errno {
	all, before := ^uint64(0), uint64(0)
	rawCall(syscall.SYS_RT_SIGPROCMASK, sigSetmask, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&before)), sigsetSize, 0)
	result, _ := rawCall(sysSeccomp, setModeFilter, flags, uintptr(unsafe.Pointer(filter)), 0, 0)
	if int(result) >= 0 {
		message.control.listener = int32(result)
		rawCall(syscall.SYS_SENDMSG, uintptr(socket), uintptr(unsafe.Pointer(message)), syscall.MSG_NOSIGNAL, 0, 0)
		// It is the supervisor's and its keeper's: should both die, a copy that is never read would make calls wait for ever.
		rawCall(syscall.SYS_CLOSE, result, 0, 0, 0, 0)
	}
	rawCall(syscall.SYS_RT_SIGPROCMASK, sigSetmask, uintptr(unsafe.Pointer(&before)), 0, sigsetSize, 0)
	return errnoOf(result)
}
