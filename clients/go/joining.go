// SPDX-License-Identifier: MIT

package minderbinder

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"
)

// enum joining_type of src/launcher/shared/joining.h: what this process and the supervisor of its calls say to each other.
const (
	joinOffer    = 1
	joinListener = 2
	joinReady    = 3
	joinRefused  = 4
	joinAlone    = 5
	joinKeep     = 6
	joinCode     = 7
)

const (
	apartName  = "minderbinder-apart" // The launcher leaves its parent (src/launcher/main.c).
	offerHead  = 8 + 512/8            // What comes before the path: type, pid, and the calls that the filter names.
	messageMax = 1 << 16
)

// What the supervisor offers.
type offer struct {
	supervisor int32
	control    string
	code       []instruction
}

// startHelper starts `minderbinder join`, which starts the supervisor. The result is our end of their socket.
func startHelper(parts *installation, reach string) (int, error) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, cannotStartHelper(err)
	}
	theirs := os.NewFile(uintptr(ends[1]), "minderbinder join")
	defer theirs.Close()
	asked := make([]byte, 16) // struct join_keep
	binary.LittleEndian.PutUint32(asked, joinKeep)
	binary.LittleEndian.PutUint64(asked[8:], passingAddress())
	if _, err = syscall.Write(ends[0], asked); err == nil {
		helper := exec.Cmd{Path: parts.Launcher, Args: []string{apartName, "join", reach, processSeed()}, Dir: "/",
			Env: helperEnvironment(), ExtraFiles: []*os.File{theirs}}
		err = helper.Run()
	}
	if err != nil {
		syscall.Close(ends[0])
		return -1, cannotStartHelper(err)
	}
	return ends[0], nil
}

func cannotStartHelper(why any) error {
	return &Error{"MB_LAUNCHER", fmt.Sprintf("cannot start the helper of this process: %v", why), ""}
}

// receive returns the next message, which is empty if the other end is closed.
func receive(socket int) []byte {
	message := make([]byte, messageMax)
	for {
		n, err := syscall.Read(socket, message)
		// The other end was closed before it had read all. What it sent comes after this error, which comes once.
		if err == syscall.EINTR || err == syscall.ECONNRESET {
			continue
		}
		if err != nil || n < 4 {
			return nil
		}
		return message[:n]
	}
}

func kindOf(message []byte) uint32 {
	if len(message) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(message)
}

func hearOffer(socket int) (*offer, error) {
	message := receive(socket)
	if kindOf(message) == joinRefused {
		var refused Error
		if err := json.Unmarshal(message[4:], &refused); err != nil {
			return nil, cannotStartHelper(err)
		}
		return nil, &refused
	}
	if kindOf(message) != joinOffer || len(message) <= offerHead {
		return nil, cannotStartHelper("it ended without a message")
	}
	path := message[offerHead:]
	heard := &offer{supervisor: int32(binary.LittleEndian.Uint32(message[4:]))}
	if end := bytes.IndexByte(path, 0); end >= 0 {
		path = path[:end]
	}
	heard.control = string(path)
	code := receive(socket)
	if kindOf(code) != joinCode {
		return nil, cannotStartHelper("it ended without a message")
	}
	heard.code = make([]instruction, binary.LittleEndian.Uint32(code[4:]))
	if len(heard.code) == 0 || len(code) != 8+len(heard.code)*int(unsafe.Sizeof(instruction{})) {
		return nil, cannotStartHelper("it sent no filter")
	}
	for at := range heard.code {
		from := code[8+8*at:]
		heard.code[at] = instruction{binary.LittleEndian.Uint16(from), from[2], from[3], binary.LittleEndian.Uint32(from[4:])}
	}
	return heard, nil
}

// isAlone says whether the supervisor or its node has died, by a call that no fault hits.
func isAlone(socket int) bool {
	message := make([]byte, 4)
	n, _ := rawCall(syscall.SYS_RECVFROM, uintptr(socket), uintptr(unsafe.Pointer(&message[0])), uintptr(len(message)),
		syscall.MSG_DONTWAIT|syscall.MSG_PEEK, 0)
	runtime.KeepAlive(message)
	err := errnoOf(n)
	return err != syscall.EAGAIN && err != syscall.EINTR
}
