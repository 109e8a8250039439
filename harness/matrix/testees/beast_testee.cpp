// /// script
// [tool.testee]
// needs = ["g++"]
// debian = ["libboost-dev"]
// title = "Boost.Beast"
// build = "g++ -std=c++17 -O1 -o {folder}/testee {source} -pthread"
// start = "{folder}/testee"
// ///
// Boost.Beast, server and client, a thread for each connection.
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <iostream>
#include <thread>

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::asio::ip::tcp;
using Socket = websocket::stream<tcp::socket>;

static std::size_t max_message_size = 16 << 20;

static void prepare(Socket &socket) {
	websocket::permessage_deflate deflate;
	deflate.server_enable = deflate.client_enable = true;
	socket.set_option(deflate);
	socket.read_message_max(max_message_size);
}

static void echo(Socket &socket) {
	for (;;) {
		beast::flat_buffer message;
		socket.read(message);
		socket.text(socket.got_text());
		socket.write(message.data());
	}
}

template <typename Work> static void tolerating(Work work) {
	try {
		work();
	} catch (const std::exception &error) {
		std::cerr << error.what() << std::endl;
	}
}

static void serve(unsigned short port) {
	boost::asio::io_context context;
	tcp::acceptor acceptor(context, {boost::asio::ip::make_address("127.0.0.1"), port});
	std::cout << "Listening on ws://127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
	for (;;) {
		std::thread([connection = acceptor.accept()]() mutable {
			tolerating([&] {
				Socket socket(std::move(connection));
				prepare(socket);
				socket.accept();
				echo(socket);
			});
		}).detach();
	}
}

static std::string escaped(const std::string &text) {
	std::ostringstream out;
	for (unsigned char c : text) {
		if (std::isalnum(c)) out << c;
		else out << '%' << std::hex << std::uppercase << c / 16 << c % 16;
	}
	return out.str();
}

static void visit(const std::string &authority, const std::string &target, void (*use)(Socket &)) {
	tolerating([&] {
		boost::asio::io_context context;
		const auto colon = authority.find(':');
		Socket socket(context);
		boost::asio::connect(socket.next_layer(),
			tcp::resolver(context).resolve(authority.substr(0, colon), authority.substr(colon + 1)));
		prepare(socket);
		socket.handshake(authority, target);
		use(socket);
	});
}

static int count = 0;

static void take_count(Socket &socket) {
	beast::flat_buffer message;
	socket.read(message);
	count = std::stoi(beast::buffers_to_string(message.data()));
}

int main(int argc, char **argv) {
	std::string url, agent = "beast", port = "0";
	for (int at = 1; at < argc; ++at) {
		const std::string word = argv[at];
		if (word == "--port") port = argv[++at];
		else if (word == "--agent") agent = escaped(argv[++at]);
		else if (word == "--max-message-size") max_message_size = std::stoul(argv[++at]);
		else if (word.rfind("ws://", 0) == 0) url = word.substr(5);
	}
	if (url.empty()) serve(std::stoi(port));
	visit(url, "/getCaseCount", take_count);
	for (int number = 1; number <= count; ++number) {
		std::cout << "case " << number << " of " << count << std::endl;
		visit(url, "/runCase?case=" + std::to_string(number) + "&agent=" + agent, echo);
	}
	visit(url, "/updateReports?agent=" + agent, echo);
}
