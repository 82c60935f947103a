package chainaudit

// Checksum is for tests, which write descriptors.
var Checksum = checksum
