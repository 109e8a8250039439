// /// script
// [tool.testee]
// needs = ["g++"]
// debian = ["libwebsocketpp-dev", "libboost-dev"]
// title = "WebSocket++"
// build = "g++ -std=c++11 -O1 -o {folder}/testee {source} -pthread -lz"
// start = "{folder}/testee"
// ///
// WebSocket++ over Asio, server and client, with its permessage-deflate.
#include <iostream>
#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/config/asio_no_tls_client.hpp>
#include <websocketpp/extensions/permessage_deflate/enabled.hpp>
#include <websocketpp/server.hpp>

template <typename Base> struct Deflating : Base {
	struct permessage_deflate_config {};
	typedef websocketpp::extensions::permessage_deflate::enabled<permessage_deflate_config> permessage_deflate_type;
};
typedef websocketpp::server<Deflating<websocketpp::config::asio>> Server;
typedef websocketpp::client<Deflating<websocketpp::config::asio_client>> Client;
using websocketpp::connection_hdl;

static std::size_t max_message_size = 16 << 20;

template <typename Endpoint> static void prepare(Endpoint &endpoint) {
	endpoint.clear_access_channels(websocketpp::log::alevel::all);
	endpoint.clear_error_channels(websocketpp::log::elevel::all);
	endpoint.set_max_message_size(max_message_size);
	endpoint.init_asio();
	endpoint.set_message_handler([&endpoint](connection_hdl peer, typename Endpoint::message_ptr message) {
		websocketpp::lib::error_code error;
		endpoint.send(peer, message->get_payload(), message->get_opcode(), error);
		if (error) std::cerr << error.message() << std::endl;
	});
}

static void serve(unsigned short port) {
	Server server;
	prepare(server);
	server.set_reuse_addr(true);
	server.listen(boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), port));
	server.start_accept();
	websocketpp::lib::asio::error_code error;
	std::cout << "Listening on ws://127.0.0.1:" << server.get_local_endpoint(error).port() << std::endl;
	server.run();
}

static void visit(const std::string &target, Client::message_handler handler = nullptr) {
	Client client;
	prepare(client);
	if (handler) client.set_message_handler(handler);
	websocketpp::lib::error_code error;
	Client::connection_ptr connection = client.get_connection(target, error);
	client.connect(connection);
	client.run(); // until it is closed
}

static std::string escaped(const std::string &text) {
	std::ostringstream out;
	for (unsigned char c : text) {
		if (std::isalnum(c)) out << c;
		else out << '%' << std::hex << std::uppercase << c / 16 << c % 16;
	}
	return out.str();
}

int main(int argc, char **argv) {
	std::string url, agent = "websocketpp", port = "0";
	for (int at = 1; at < argc; ++at) {
		const std::string word = argv[at];
		if (word == "--port") port = argv[++at];
		else if (word == "--agent") agent = escaped(argv[++at]);
		else if (word == "--max-message-size") max_message_size = std::stoul(argv[++at]);
		else if (word.rfind("ws://", 0) == 0) url = word;
	}
	if (url.empty()) serve(std::stoi(port));
	int count = 0;
	visit(url + "/getCaseCount", [&](connection_hdl, Client::message_ptr text) { count = std::stoi(text->get_payload()); });
	for (int number = 1; number <= count; ++number) {
		std::cout << "case " << number << " of " << count << std::endl;
		visit(url + "/runCase?case=" + std::to_string(number) + "&agent=" + agent);
	}
	visit(url + "/updateReports?agent=" + agent);
}
