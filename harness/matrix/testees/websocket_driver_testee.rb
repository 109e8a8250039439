# /// script
# [tool.testee]
# needs = ["ruby"]
# debian = ["ruby-websocket-driver"]
# title = "websocket-driver"
# start = "ruby {source}"
# ///
# websocket-driver of Ruby, which faye-websocket and Rails' Action Cable are made of, over plain sockets: a thread
# for each connection. It has no compression of its own.
require 'optparse'
require 'socket'
require 'uri'
require 'websocket/driver'

$stdout.sync = true
given = { 'port': 0, 'agent': 'websocket-driver', 'max-message-size': 16 * 2**20 }
OptionParser.new do |options|
  options.on('--port PORT', Integer)
  options.on('--agent NAME')
  options.on('--modes')
  options.on('--max-message-size BYTES', Integer)
end.parse!(into: given)
LIMIT = { max_length: given[:'max-message-size'] }.freeze

# What the driver writes to; `url` is that of the client's target.
Connection = Struct.new(:socket, :url) do
  def write(data)
    socket.write(data)
  rescue SystemCallError, IOError => error
    warn error.message
  end

  # Feed the driver until the connection ends.
  def play(driver)
    driver.on(:close) { socket.close_write rescue nil }
    driver.on(:error) { |event| warn event.message }
    loop { driver.parse(socket.readpartial(65_536)) }
  rescue SystemCallError, IOError
    nil
  ensure
    socket.close
  end
end

def echo(driver)
  driver.on(:message) { |event| event.data.is_a?(String) ? driver.text(event.data) : driver.binary(event.data) }
end

def serve(port)
  listener = TCPServer.new('127.0.0.1', port)
  puts "Listening on ws://127.0.0.1:#{listener.addr[1]}"
  loop do
    Thread.new(listener.accept) do |socket|
      connection = Connection.new(socket)
      driver = WebSocket::Driver.server(connection, LIMIT)
      driver.on(:connect) do
        next driver.start if WebSocket::Driver.websocket?(driver.env)

        connection.write("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n")
        socket.close_write
      end
      echo(driver)
      connection.play(driver)
    end
  end
end

def visit(url, &use)
  target = URI(url)
  connection = Connection.new(TCPSocket.new(target.host, target.port), url)
  driver = WebSocket::Driver.client(connection, LIMIT)
  use.call(driver)
  driver.start
  connection.play(driver)
rescue StandardError => error
  warn error.message
end

def drive(server, agent)
  count = 0
  visit("#{server}/getCaseCount") { |driver| driver.on(:message) { |event| count = event.data.to_i } }
  (1..count).each do |number|
    puts "case #{number} of #{count}"
    visit("#{server}/runCase?case=#{number}&agent=#{agent}") { |driver| echo(driver) }
  end
  visit("#{server}/updateReports?agent=#{agent}") { |driver| echo(driver) }
end

Thread.report_on_exception = false
ARGV.empty? ? serve(given[:port]) : drive(ARGV[0], URI.encode_www_form_component(given[:agent]))
