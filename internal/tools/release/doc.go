// Command release builds the programs that are given to people: for each system an
// archive and a list of what is in it (SBOM, CycloneDX 1.6 JSON), and SHA256SUMS.
//
//	release -version v1.2.3 -in DIR -out DIR -for linux/amd64,linux/arm64 PROGRAM...
//	release -compare -in DIR [-cache DIR] PROGRAM...
//
// The second form builds the work tree here and a copy of it in another folder, and
// compares the programs byte for byte.
//
// Invariants:
//   - What is built depends on the sources, the Go toolchain and the version alone: no
//     time, folder, user or state of git gets in, and variables of the environment that
//     change how Go builds are set or taken out.
//   - With -cache naming another folder the two builds of -compare share nothing. With one
//     cache, as in CI, the second one finds what the first one compiled unless something of
//     the folder gets into it, and is linked anew.
//   - The SBOM is read from the built programs, and not from what go.mod would allow.
//   - -out is made anew; a folder that holds something is refused.
package main
