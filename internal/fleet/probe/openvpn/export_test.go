package openvpn

// Older makes the client one that takes no keys from TLS's exporter, as servers
// before 2.6 need it, and that knows only the first version of data packets.
func (v *Server) Older() { v.ability = wantsPush }
