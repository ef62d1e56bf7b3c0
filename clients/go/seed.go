// SPDX-License-Identifier: MIT

package minderbinder

import (
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"sync"
	"time"
)

var seeded struct {
	sync.Once
	seed string
}

// For all that injects faults into this process. Decimal.
func processSeed() string {
	seeded.Do(func() {
		var bytes [4]byte
		number := uint32(time.Now().UnixNano())
		if _, err := rand.Read(bytes[:]); err == nil {
			number = binary.LittleEndian.Uint32(bytes[:])
		}
		seeded.seed = strconv.FormatUint(uint64(number), 10)
	})
	return seeded.seed
}
