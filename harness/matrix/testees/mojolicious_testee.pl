# /// script
# [tool.testee]
# needs = ["perl"]
# debian = ["libmojolicious-perl"]
# title = "Mojolicious"
# start = "perl {source}"
# ///
# Mojolicious, server and client. Its client offers no compression.
use Mojo::Base -strict, -signatures;
use Getopt::Long;
use Mojo::IOLoop;
use Mojo::Server::Daemon;
use Mojo::URL;
use Mojo::UserAgent;
use Mojolicious;

GetOptions('port=i' => \(my $port = 0), 'agent=s' => \(my $agent = 'mojolicious'), 'modes' => \my $modes,
  'max-message-size=i' => \(my $max_message_size = 16 * 2**20));
my $url = shift @ARGV;
$| = 1;

sub echo ($tx) {
  $tx->max_websocket_size($max_message_size);
  $tx->on(text   => sub ($tx, $bytes) { $tx->send({text   => $bytes}) });
  $tx->on(binary => sub ($tx, $bytes) { $tx->send({binary => $bytes}) });
}

sub serve {
  my $daemon = Mojo::Server::Daemon->new(
    app => Mojolicious->new, listen => ["http://127.0.0.1:$port"], silent => 1);
  $daemon->app->log->level('fatal');
  my $accept = sub ($c) { $c->tx->with_compression; $c->inactivity_timeout(300); echo($c->tx); $c->rendered(101) };
  $daemon->app->routes->websocket('/')->to(cb => $accept);
  $daemon->app->routes->websocket('/*target')->to(cb => $accept);
  $daemon->start;
  say "Listening on ws://127.0.0.1:${\ $daemon->ports->[0]}";
  Mojo::IOLoop->start;
}

sub visit ($path, $use) {
  my $agent_of_case = Mojo::UserAgent->new(inactivity_timeout => 300);
  $agent_of_case->websocket(Mojo::URL->new("$url$path") => sub ($, $tx) {
    unless ($tx->is_websocket) { warn 'refused: ' . ($tx->error || {})->{message} . "\n"; return Mojo::IOLoop->stop }
    $tx->on(finish => sub { Mojo::IOLoop->stop });
    $use->($tx);
  });
  Mojo::IOLoop->start;
}

sub drive {
  my $count = 0;
  visit('/getCaseCount', sub ($tx) { $tx->on(text => sub ($, $text) { $count = $text }) });
  my $name = Mojo::Parameters->new(agent => $agent);
  for my $number (1 .. $count) {
    say "case $number of $count";
    visit("/runCase?case=$number&$name", \&echo);
  }
  visit("/updateReports?$name", \&echo);
}

$url ? drive() : serve();
