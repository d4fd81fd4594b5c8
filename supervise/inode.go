//go:build unix

package supervise

import "syscall"

// inode is what is asked about files here.
type inode struct {
	fileID
	mode  uint32 // as stat has it, with the kind of file in it
	size  int64
	links uint64 // names that it has
	uid   uint32
}

// fileID is what no two files have in common that are there at the same time. The
// zero value is that of none.
type fileID struct{ device, number uint64 }

// inodeOf returns that of the file of this name.
func inodeOf(path string) (inode, error) {
	var st syscall.Stat_t
	_, err := ignoringEINTR(func() (int, error) { return 0, syscall.Stat(path, &st) })
	return newInode(&st), err
}

func newInode(st *syscall.Stat_t) inode {
	return inode{
		fileID: fileID{uint64(st.Dev), uint64(st.Ino)}, mode: uint32(st.Mode),
		size: st.Size, links: uint64(st.Nlink), uid: st.Uid,
	}
}

// inodeOfFD returns that of an open file.
func inodeOfFD(fd int) (inode, error) {
	var st syscall.Stat_t
	err := syscall.Fstat(fd, &st)
	return newInode(&st), err
}

// is reports whether it is of this kind, one of syscall.S_IF....
func (n inode) is(kind uint32) bool { return n.mode&syscall.S_IFMT == kind }

func (n inode) regular() bool { return n.is(syscall.S_IFREG) }
