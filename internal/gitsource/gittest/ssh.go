package gittest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSH is a repository behind ssh.
type SSH struct {
	URL string
	// KeyFile holds the private key that may read and push, and KnownHosts
	// the host's key as ssh(1) keeps it.
	KeyFile, KnownHosts string
}

// SSH serves the repository by ssh until the test ends.
func (r *Repo) SSH() SSH {
	r.t.Helper()
	dir := r.t.TempDir()
	s := SSH{KeyFile: filepath.Join(dir, "id_ed25519"), KnownHosts: filepath.Join(dir, "known_hosts")}
	user, host := r.newKey(s.KeyFile), r.newKey("")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	address := listener.Addr().String()
	line := knownhosts.Line([]string{knownhosts.Normalize(address)}, host.PublicKey())
	if err := os.WriteFile(s.KnownHosts, []byte(line+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	server := newSSHServer(r, host, user.PublicKey())
	go server.accept(listener)
	r.t.Cleanup(func() { server.close(listener) })
	s.URL = "ssh://git@" + address + r.Bare
	return s
}

// newKey makes a key and writes it to a file, if one is named.
func (r *Repo) newKey(file string) ssh.Signer {
	r.t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		r.t.Fatal(err)
	}
	if file == "" {
		return signer
	}
	block, err := ssh.MarshalPrivateKey(private, "tests")
	if err == nil {
		err = os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return signer
}

// An sshServer runs git's programs for one user.
type sshServer struct {
	repo   *Repo
	config *ssh.ServerConfig
	ctx    context.Context // until the test ends: it outlives each connection
	cancel context.CancelFunc

	mu    sync.Mutex
	conns []net.Conn
	group sync.WaitGroup
}

func newSSHServer(r *Repo, host ssh.Signer, user ssh.PublicKey) *sshServer {
	s := &sshServer{repo: r, config: &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(key.Marshal(), user.Marshal()) {
				return nil, errors.New("unknown key")
			}
			return new(ssh.Permissions), nil
		},
	}}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(r.t.Context()))
	s.config.AddHostKey(host)
	return s
}

func (s *sshServer) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		s.group.Go(func() { s.serve(conn) })
	}
}

// close ends what is still going on.
func (s *sshServer) close(listener net.Listener) {
	_ = listener.Close()
	s.cancel()
	s.mu.Lock()
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.group.Wait()
}

func (s *sshServer) serve(conn net.Conn) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return // a client that is not let in is what some tests are about
	}
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		if channel.ChannelType() != "session" {
			_ = channel.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		if stream, asked, err := channel.Accept(); err == nil {
			s.session(stream, asked)
		}
	}
}

// session runs the one command of a session. See RFC 4254, section 6.5.
func (s *sshServer) session(stream ssh.Channel, asked <-chan *ssh.Request) {
	defer stream.Close()
	for q := range asked {
		var exec struct{ Command string }
		if q.Type != "exec" || ssh.Unmarshal(q.Payload, &exec) != nil {
			_ = q.Reply(q.Type == "env", nil)
			continue
		}
		_ = q.Reply(true, nil)
		status := struct{ Status uint32 }{s.command(stream, exec.Command)}
		_, _ = stream.SendRequest("exit-status", false, ssh.Marshal(status))
		return
	}
}

// command runs git's side of a fetch or push.
func (s *sshServer) command(stream ssh.Channel, line string) uint32 {
	name, path, _ := strings.Cut(line, " ")
	if name != "git-upload-pack" && name != "git-receive-pack" {
		_, _ = io.WriteString(stream.Stderr(), "only git is served here\n")
		return 1
	}
	cmd := exec.CommandContext(s.ctx, "git", strings.TrimPrefix(name, "git-"), strings.Trim(path, "'"))
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = s.repo.env(), nil, stream, stream.Stderr()
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return 1
	}
	go func() {
		_, _ = io.Copy(in, stream)
		_ = in.Close()
	}()
	if cmd.Wait() != nil {
		return 1
	}
	return 0
}
