package endpoint

// Uptime is what a window of slots came to. Up, Down and Unknown count slots;
// Unknown holds unchecked ones and maintenance.
type Uptime struct {
	Slots, Up, Down, Unknown, Maintenance int
	Permille                              int // up / (up + down), rounded down; 0 when nothing is known
	CoveragePermille                      int // known / all, rounded down
	LowPermille                           int // Wilson 95 % of Permille, rounded down
	HighPermille                          int // rounded up
}
