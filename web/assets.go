package web

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

// files are the templates and everything the pages refer to. They are part of
// the program: nothing is read from the disk while it runs.
//
//go:embed ui
var files embed.FS

// static returns an asset by its path below ui, without a leading slash. As it
// always has been, that includes the template of the status page.
func (u *ui) static(name string) (asset, bool) {
	body, err := fs.ReadFile(files, "ui/"+name)
	if err != nil {
		return asset{}, false
	}
	return asset{body: body, contentType: contentType(name), modified: u.born}, true
}

// contentType goes by the ending of a file's name.
func contentType(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".css":
		return "text/css"
	case ".gif":
		return "image/gif"
	case ".html":
		return "text/html"
	case ".js":
		return "text/javascript"
	case ".png":
		return "image/png"
	default:
		return "text/plain"
	}
}
