package supervise

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTidier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		begun := time.Now()
		tidier := newTidier(tidyAfter, func() { at = append(at, time.Since(begun)) })
		time.Sleep(time.Hour) // it does nothing unless it is told to
		for range 3 {
			tidier.soon()
			time.Sleep(tidyAfter / 2)
		}
		time.Sleep(time.Hour)
		tidier.soon()
		tidier.stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := time.Hour + 2*tidyAfter; len(at) != 1 || at[0] != want {
			t.Errorf("at %v, want once, at %v", at, want)
		}
	})
}

func TestFreeMemory(t *testing.T) {
	spare := sync.Pool{}
	spare.Put(make([]byte, 64<<20))
	freeMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if kept := m.HeapSys - m.HeapReleased; kept > 32<<20 {
		t.Errorf("%d MiB stay with us", kept>>20)
	}
	runtime.KeepAlive(&spare)
}
