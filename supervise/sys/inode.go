//go:build unix

// Package sys has what several packages ask of the system in the same way: calls that a
// signal does not interrupt, descriptors that no child inherits, what a file is, and the
// names of errors and signals. Nothing here knows of programs.
package sys

import "syscall"

// Inode is what is asked about files here.
type Inode struct {
	FileID
	Mode  uint32 // as stat has it, with the kind of file in it
	Size  int64
	Links uint64 // names that it has
	UID   uint32
}

// FileID is what no two files have in common that are there at the same time. The
// zero value is that of none.
type FileID struct{ Device, number uint64 }

// InodeOf returns that of the file of this name.
func InodeOf(path string) (Inode, error) {
	var st syscall.Stat_t
	_, err := IgnoringEINTR(func() (int, error) { return 0, syscall.Stat(path, &st) })
	return newInode(&st), err
}

func newInode(st *syscall.Stat_t) Inode {
	return Inode{
		FileID: FileID{uint64(st.Dev), uint64(st.Ino)}, Mode: uint32(st.Mode),
		Size: st.Size, Links: uint64(st.Nlink), UID: st.Uid,
	}
}

// InodeOfFD returns that of an open file.
func InodeOfFD(fd int) (Inode, error) {
	var st syscall.Stat_t
	err := syscall.Fstat(fd, &st)
	return newInode(&st), err
}

// Is reports whether it is of this kind, one of syscall.S_IF....
func (n Inode) Is(kind uint32) bool { return n.Mode&syscall.S_IFMT == kind }

// Regular reports whether it is that of a regular file.
func (n Inode) Regular() bool { return n.Is(syscall.S_IFREG) }
