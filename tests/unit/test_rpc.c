/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "../lib/unit.h"
#include "rpc.h"

static const struct rpc_peer tester = {.name = "test", .role = RPC_ROLE_ADMIN};

/* The methods that the specification's examples call. */

struct subtract_params {
	uint32_t minuend, subtrahend;
};

static const struct field subtract_fields[] = {
	{"minuend", FIELD_UINT, FIELD_AT(struct subtract_params, minuend), .required = true,
	 .text = "From what"},
	{"subtrahend", FIELD_UINT, FIELD_AT(struct subtract_params, subtrahend), .required = true,
	 .text = "What"},
};
static const struct shape subtract_params =
	SHAPE("subtract", struct subtract_params, subtract_fields, "Two numbers");

static unsigned int calls;

static enum rpc_error subtract(struct rpc_call *call)
{
	const struct subtract_params *params = call->params;

	calls++;
	call->document = json_integer((json_int_t)params->minuend - params->subtrahend);
	return RPC_OK;
}

struct numbers {
	uint32_t of[5];
};

static const struct field numbers_fields[] = {
	{"a", FIELD_UINT, FIELD_AT(struct numbers, of[0]), .text = "The first"},
	{"b", FIELD_UINT, FIELD_AT(struct numbers, of[1]), .text = "The second"},
	{"c", FIELD_UINT, FIELD_AT(struct numbers, of[2]), .text = "The third"},
	{"d", FIELD_UINT, FIELD_AT(struct numbers, of[3]), .text = "The fourth"},
	{"e", FIELD_UINT, FIELD_AT(struct numbers, of[4]), .text = "The fifth"},
};
static const struct shape numbers =
	SHAPE("numbers", struct numbers, numbers_fields, "Up to five numbers");

static enum rpc_error sum(struct rpc_call *call)
{
	const struct numbers *params = call->params;
	json_int_t total = 0;

	calls++;
	for (size_t i = 0; i < sizeof(params->of) / sizeof(params->of[0]); i++)
		total += params->of[i];
	call->document = json_integer(total);
	return RPC_OK;
}

static enum rpc_error get_data(struct rpc_call *call)
{
	calls++;
	call->document = json_pack("[s,i]", "hello", 5);
	return RPC_OK;
}

static enum rpc_error refuse(struct rpc_call *call)
{
	field_errors_add(&call->errors, &(struct field_path){NULL, "a", 0}, "no");
	field_errors_add(&call->errors, NULL, "never");
	return RPC_REFUSED;
}

static enum rpc_error forget_result(struct rpc_call *call)
{
	(void)call;
	return RPC_OK;
}

static enum rpc_error large(struct rpc_call *call)
{
	size_t size = RPC_ANSWER_MAX / 2;
	char *text = malloc(size + 1);

	calls++;
	memset(text, 'x', size);
	text[size] = '\0';
	call->document = json_pack("{s:s}", "x", text);
	free(text);
	return RPC_OK;
}

static const struct rpc_method first_table[] = {
	{.name = "subtract", .handler = subtract, .params = &subtract_params},
	{.name = "sum", .handler = sum, .params = &numbers},
	{.name = "notify_sum", .handler = sum, .params = &numbers},
	{.name = "notify_hello", .handler = sum, .params = &numbers},
	{.name = "update", .handler = sum, .params = &numbers},
	{.name = "get_data", .handler = get_data},
	{.name = NULL},
};
static const struct rpc_method second_table[] = {
	{.name = "refuse", .handler = refuse},
	{.name = "forget", .handler = forget_result},
	{.name = "large", .handler = large},
	{.name = NULL},
};
static const struct rpc_method *const methods[] = {first_table, second_table, NULL};
static const struct rpc_context context = {.methods = methods};

static char *answer(const char *text)
{
	char *out = NULL;

	CU_ASSERT_EQUAL(rpc_answer(&context, &tester, text, strlen(text), &out), 0);
	return out;
}

/* Data of errors is compared where it is the subject, and left out elsewhere. */
static void drop_data(json_t *response)
{
	size_t i;
	json_t *member;

	if (json_is_object(response))
		json_object_del(json_object_get(response, "error"), "data");
	json_array_foreach (response, i, member)
		drop_data(member);
}

static bool answers_to(const char *request, const char *expected)
{
	char *text = answer(request);
	json_t *got, *wanted;
	bool same;

	if (!text || !expected) {
		same = !text && !expected;
		free(text);
		return same;
	}
	got = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	wanted = json_loads(expected, 0, NULL);
	drop_data(got);
	same = got && wanted && json_equal(got, wanted);
	if (!same)
		printf("\nto   %s\ngot  %s\nwant %s\n", request, text, expected);
	json_decref(got);
	json_decref(wanted);
	free(text);
	return same;
}

struct row {
	const char *request;
	const char *response; /* NULL: none */
};

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		CU_ASSERT(answers_to(rows[i].request, rows[i].response));
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

#define ERROR(code, message, id)                                                         \
	"{\"jsonrpc\": \"2.0\", \"error\": {\"code\": " code ", \"message\": \"" message \
	"\"}, \"id\": " id "}"
#define PARSE_ERROR	      ERROR("-32700", "Parse error", "null")
#define INVALID(id)	      ERROR("-32600", "Invalid Request", id)
#define NOT_FOUND(id)	      ERROR("-32601", "Method not found", id)
#define INVALID_PARAMS(id)    ERROR("-32602", "Invalid params", id)
#define VALUE(value, id)      "{\"jsonrpc\": \"2.0\", \"result\": " value ", \"id\": " id "}"
#define NOTIFICATION(members) "{\"jsonrpc\": \"2.0\", " members "}"
#define CALL(members, id)     "{\"jsonrpc\": \"2.0\", " members ", \"id\": " id "}"
#define SUBTRACT(params)      "\"method\": \"subtract\", \"params\": " params

/* Section 7: all of it, in its order and its words, but with ' for ". */
static const struct row examples[] = {
	{"{'jsonrpc': '2.0', 'method': 'subtract', 'params': [42, 23], 'id': 1}",
	 "{'jsonrpc': '2.0', 'result': 19, 'id': 1}"},
	{"{'jsonrpc': '2.0', 'method': 'subtract', 'params': [23, 42], 'id': 2}",
	 "{'jsonrpc': '2.0', 'result': -19, 'id': 2}"},
	{"{'jsonrpc': '2.0', 'method': 'subtract', 'params': {'subtrahend': 23, 'minuend': 42}, "
	 "'id': 3}",
	 "{'jsonrpc': '2.0', 'result': 19, 'id': 3}"},
	{"{'jsonrpc': '2.0', 'method': 'subtract', 'params': {'minuend': 42, 'subtrahend': 23}, "
	 "'id': 4}",
	 "{'jsonrpc': '2.0', 'result': 19, 'id': 4}"},
	{"{'jsonrpc': '2.0', 'method': 'update', 'params': [1,2,3,4,5]}", NULL},
	{"{'jsonrpc': '2.0', 'method': 'foobar'}", NULL},
	{"{'jsonrpc': '2.0', 'method': 'foobar', 'id': '1'}",
	 "{'jsonrpc': '2.0', 'error': {'code': -32601, 'message': 'Method not found'}, 'id': '1'}"},
	{"{'jsonrpc': '2.0', 'method': 'foobar, 'params': 'bar', 'baz]",
	 "{'jsonrpc': '2.0', 'error': {'code': -32700, 'message': 'Parse error'}, 'id': null}"},
	{"{'jsonrpc': '2.0', 'method': 1, 'params': 'bar'}",
	 "{'jsonrpc': '2.0', 'error': {'code': -32600, 'message': 'Invalid Request'}, 'id': null}"},
	{"[\n"
	 "  {'jsonrpc': '2.0', 'method': 'sum', 'params': [1,2,4], 'id': '1'},\n"
	 "  {'jsonrpc': '2.0', 'method'\n"
	 "]",
	 "{'jsonrpc': '2.0', 'error': {'code': -32700, 'message': 'Parse error'}, 'id': null}"},
	{"[]",
	 "{'jsonrpc': '2.0', 'error': {'code': -32600, 'message': 'Invalid Request'}, 'id': null}"},
	{"[1]", "[\n"
		"  {'jsonrpc': '2.0', 'error': {'code': -32600, 'message': 'Invalid Request'}, "
		"'id': null}\n"
		"]"},
	{"[1,2,3]",
	 "[\n"
	 "  {'jsonrpc': '2.0', 'error': {'code': -32600, 'message': 'Invalid Request'}, 'id': "
	 "null},\n"
	 "  {'jsonrpc': '2.0', 'error': {'code': -32600, 'message': 'Invalid Request'}, 'id': "
	 "null},\n"
	 "  {'jsonrpc': '2.0', 'error': {'code': -32600, 'message': 'Invalid Request'}, 'id': "
	 "null}\n"
	 "]"},
	{"[\n"
	 "  {'jsonrpc': '2.0', 'method': 'sum', 'params': [1,2,4], 'id': '1'},\n"
	 "  {'jsonrpc': '2.0', 'method': 'notify_hello', 'params': [7]},\n"
	 "  {'jsonrpc': '2.0', 'method': 'subtract', 'params': [42,23], 'id': '2'},\n"
	 "  {'foo': 'boo'},\n"
	 "  {'jsonrpc': '2.0', 'method': 'foo.get', 'params': {'name': 'myself'}, 'id': '5'},\n"
	 "  {'jsonrpc': '2.0', 'method': 'get_data', 'id': '9'} \n"
	 "]",
	 "[\n"
	 "  {'jsonrpc': '2.0', 'result': 7, 'id': '1'},\n"
	 "  {'jsonrpc': '2.0', 'result': 19, 'id': '2'},\n"
	 "  {'jsonrpc': '2.0', 'error': {'code': -32600, 'message': 'Invalid Request'}, 'id': "
	 "null},\n"
	 "  {'jsonrpc': '2.0', 'error': {'code': -32601, 'message': 'Method not found'}, 'id': "
	 "'5'},\n"
	 "  {'jsonrpc': '2.0', 'result': ['hello', 5], 'id': '9'}\n"
	 "]"},
	{"[\n"
	 "  {'jsonrpc': '2.0', 'method': 'notify_sum', 'params': [1,2,4]},\n"
	 "  {'jsonrpc': '2.0', 'method': 'notify_hello', 'params': [7]}\n"
	 "]",
	 NULL},
};

/* NULL stays NULL. */
static char *with_quotes(const char *text)
{
	char *copy;

	if (!text)
		return NULL;
	copy = strdup(text);
	for (char *quote = copy; (quote = strchr(quote, '\'')) != NULL;)
		*quote = '"';
	return copy;
}

static void test_examples_of_the_specification(void)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		char *request = with_quotes(examples[i].request);
		char *response = with_quotes(examples[i].response);

		CU_ASSERT(answers_to(request, response));
		free(request);
		free(response);
	}
}

static bool answers_exactly(const char *request, const char *expected)
{
	char *text = answer(request);
	bool same = text && strcmp(text, expected) == 0;

	if (!same)
		printf("\ngot  %s\nwant %s\n", text, expected);
	free(text);
	return same;
}

/* An id comes back in the caller's own words. */
static void test_ids(void)
{
	static const char *const ids[] = {
		"null",
		"\"\"",
		"\"1\"",
		"\"0}\"",
		"\"\xc3\xa4\\n\\\"\"",
		"0",
		"-7",
		"9223372036854775807",
		"-9223372036854775808",
		"1.5",
		"0.1",
		"1.0",
		"1.50",
		"-0.0",
		"1E3",
		"1e-7",
		"9223372036854775808",
		"18446744073709551616",
		"123456789012345678901234567890123456789012345678901234567890",
		"-1e+400",
	};
	char request[256], expected[256];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(request, sizeof(request), CALL(SUBTRACT("[3, 2]"), "%s"), ids[i]);
		snprintf(expected, sizeof(expected), "{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":%s}",
			 ids[i]);
		CU_ASSERT(answers_exactly(request, expected));
	}
}

/* Each in its place, also where a request has none, or is none. */
static void test_ids_of_a_batch(void)
{
	CU_ASSERT(answers_exactly(
		" [{\"jsonrpc\": \"2.0\", \"id\" : 0.10 , " SUBTRACT(
			"[3, 2]") "}, "
				  "{\"jsonrpc\": \"2.0\", " SUBTRACT(
					  "{\"minuend\": 3, \"subtrahend\": 2}") "}, "
										 "{\"jsonrpc\": "
										 "\"2.0\", "
										 "\"method\": "
										 "\"x\", "
										 "\"params\": "
										 "{\"id\": 0.30}, "
										 "\"id\": 7}, "
										 "{\"id\": 1e2, "
										 "\"x\": [\"id\", "
										 "{\"id\": "
										 "0.20}]}, "
										 "99999999999.10, "
										 "{\"jsonrpc\": "
										 "\"2.0\","
										 " " SUBTRACT(
											 "[4, 2]") ", \"id\": 10000000000000000000}]",
		"[{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":0.10},"
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"Method not found\","
		"\"data\":[{\"pointer\":\"\",\"message\":\"there is no method \\\"x\\\"\"}]},"
		"\"id\":7},"
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"Invalid Request\","
		"\"data\":[{\"pointer\":\"/jsonrpc\",\"message\":\"expected the string "
		"\\\"2.0\\\"\"},{\"pointer\":\"/method\",\"message\":\"expected a string\"}]},"
		"\"id\":1e2},"
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"Invalid Request\","
		"\"data\":[{\"pointer\":\"\",\"message\":\"a request is an object\"}]},"
		"\"id\":null},"
		"{\"jsonrpc\":\"2.0\",\"result\":2,\"id\":10000000000000000000}]"));
}

static void test_no_ids(void)
{
	static const struct row rows[] = {
		{CALL(SUBTRACT("[3, 2]"), "true"), INVALID("null")},
		{CALL(SUBTRACT("[3, 2]"), "[]"), INVALID("null")},
		{CALL(SUBTRACT("[3, 2]"), "[1.50]"), INVALID("null")},
		{CALL(SUBTRACT("[3, 2]"), "{}"), INVALID("null")},
		{CALL(SUBTRACT("[3, 2]"), "{\"id\": 1.50}"), INVALID("null")},
		{CALL(SUBTRACT("[3, 2]"), "01.5"), PARSE_ERROR},
		{CALL(SUBTRACT("[3, 2]"), "1."), PARSE_ERROR},
		{CALL(SUBTRACT("[3, 2]"), ".5"), PARSE_ERROR},
		{CALL(SUBTRACT("[3, 2]"), "1.5e"), PARSE_ERROR},
		{CALL(SUBTRACT("[3, 2]"), "+1.5"), PARSE_ERROR},
		{CALL(SUBTRACT("[3, 2]"), "1.5.5"), PARSE_ERROR},
		{CALL(SUBTRACT("[3, 2]"), "1.5, \"id\": 2"), PARSE_ERROR},
		{CALL(SUBTRACT("[3, 2]"), "1.5, \"id\": 2.5"), PARSE_ERROR},
	};

	CHECK(rows);
}

static void test_invalid_requests(void)
{
	static const struct row rows[] = {
		{"1", INVALID("null")},
		{"null", INVALID("null")},
		{"\"x\"", INVALID("null")},
		{"{}", INVALID("null")},
		{"{\"method\": \"subtract\", \"id\": 1}", INVALID("1")},
		{"{\"jsonrpc\": 2.0, \"method\": \"subtract\", \"id\": 1}", INVALID("1")},
		{"{\"jsonrpc\": \"1.0\", \"method\": \"subtract\", \"id\": 1}", INVALID("1")},
		{CALL("\"params\": []", "1"), INVALID("1")},
		{CALL("\"method\": null", "1"), INVALID("1")},
		{CALL(SUBTRACT("1"), "1"), INVALID("1")},
		{CALL(SUBTRACT("null"), "1"), INVALID("1")},
		{"[[]]", "[" INVALID("null") "]"},
		{"[[1]]", "[" INVALID("null") "]"},
		{"[[" CALL(SUBTRACT("[3, 2]"), "1") "]]", "[" INVALID("null") "]"},
		{"[[" CALL(SUBTRACT("[3, 2]"), "1.50") "]]", "[" INVALID("null") "]"},
		{"[[], " CALL(SUBTRACT("[3, 2]"), "1") "]",
		 "[" INVALID("null") "," VALUE("1", "1") "]"},
		{"", PARSE_ERROR},
		{"{", PARSE_ERROR},
		{"{\"jsonrpc\": \"2.0\", \"id\": 1, \"id\": 2}", PARSE_ERROR},
		{"{\"jsonrpc\": \"2.0\", \"id\": \"\xff\"}", PARSE_ERROR},
		{CALL(SUBTRACT("[99999999999999999999, 2]"), "1"), PARSE_ERROR},
	};

	CHECK(rows);
}

static void test_params(void)
{
	static const struct row rows[] = {
		{CALL("\"method\": \"subtract\"", "1"), INVALID_PARAMS("1")},
		{CALL(SUBTRACT("[]"), "1"), INVALID_PARAMS("1")},
		{CALL(SUBTRACT("{}"), "1"), INVALID_PARAMS("1")},
		{CALL(SUBTRACT("[1]"), "1"), INVALID_PARAMS("1")},
		{CALL(SUBTRACT("[1, 2, 3]"), "1"), INVALID_PARAMS("1")},
		{CALL(SUBTRACT("[1, \"2\"]"), "1"), INVALID_PARAMS("1")},
		{CALL(SUBTRACT("{\"minuend\": 1, \"subtrahend\": 2, \"x\": 3}"), "1"),
		 INVALID_PARAMS("1")},
		{CALL("\"method\": \"get_data\", \"params\": [1]", "1"), INVALID_PARAMS("1")},
		{CALL("\"method\": \"get_data\", \"params\": {\"x\": 1}", "1"),
		 INVALID_PARAMS("1")},
	};

	calls = 0;
	CHECK(rows);
	CU_ASSERT_EQUAL(calls, 0);
	CU_ASSERT(answers_to(CALL("\"method\": \"get_data\", \"params\": []", "1"),
			     "{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": [\"hello\", 5]}"));
}

static void test_errors_say_where_and_why(void)
{
	CU_ASSERT(answers_exactly(
		CALL("\"method\": \"refuse\"", "1"),
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1000,\"message\":\"Change refused\","
		"\"data\":[{\"pointer\":\"/a\",\"message\":\"no\"},{\"pointer\":\"\",\"message\":"
		"\"never\"}]},\"id\":1}"));
	CU_ASSERT(answers_exactly(
		CALL(SUBTRACT("{\"minuend\": -1, \"subtrahnd\": 0}"), "1"),
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,\"message\":\"Invalid params\","
		"\"data\":[{\"pointer\":\"/subtrahnd\",\"message\":\"unknown field (did you mean "
		"\\\"subtrahend\\\"?)\"},{\"pointer\":\"/minuend\",\"message\":\"-1 is outside "
		"0..4294967295\"},{\"pointer\":\"/subtrahend\",\"message\":\"missing\"}]},"
		"\"id\":1}"));
	CU_ASSERT(answers_exactly(
		CALL("\"method\": \"subtrct\"", "1"),
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"Method not found\","
		"\"data\":[{\"pointer\":\"\",\"message\":\"there is no method \\\"subtrct\\\" (did "
		"you mean \\\"subtract\\\"?)\"}]},\"id\":1}"));
	CU_ASSERT(answers_to(CALL("\"method\": \"forget\"", "1"),
			     ERROR("-32603", "Internal error", "1")));
}

static void test_notifications_are_carried_out(void)
{
	calls = 0;
	CU_ASSERT(answers_to("{\"jsonrpc\": \"2.0\", " SUBTRACT("[3, 2]") "}", NULL));
	CU_ASSERT_EQUAL(calls, 1);
}

/* Whatever comes of them (section 4.1). */
static void test_notifications_are_not_answered(void)
{
	static const struct row rows[] = {
		{NOTIFICATION("\"method\": \"subtrct\""), NULL},
		{NOTIFICATION("\"method\": \"refuse\""), NULL},
		{NOTIFICATION("\"method\": \"forget\""), NULL},
		{NOTIFICATION(SUBTRACT("[1]")), NULL},
		{NOTIFICATION(SUBTRACT("{\"x\": 1}")), NULL},
		{"[" NOTIFICATION(SUBTRACT("[3, 2]")) "]", NULL},
		{"[" NOTIFICATION("\"method\": \"subtrct\"") ", " NOTIFICATION(SUBTRACT("[1]")) "]",
		 NULL},
		{"[" NOTIFICATION(SUBTRACT("[1]")) ", " CALL(SUBTRACT("[3, 2]"), "1") "]",
		 "[" VALUE("1", "1") "]"},
	};

	CHECK(rows);
}

static char *batch_of(unsigned int count, const char *request)
{
	size_t length = strlen(request);
	char *text = malloc(count * (length + 1) + 2), *end = text;

	for (unsigned int i = 0; i < count; i++) {
		*end++ = i == 0 ? '[' : ',';
		memcpy(end, request, length);
		end += length;
	}
	strcpy(end, "]");
	return text;
}

static void test_batch_size(void)
{
	char *text = batch_of(RPC_BATCH_MAX, CALL(SUBTRACT("[3, 2]"), "1"));
	char *response = answer(text);
	json_t *json = json_loads(response, 0, NULL);

	CU_ASSERT_EQUAL(json_array_size(json), RPC_BATCH_MAX);
	json_decref(json);
	free(response);
	free(text);
	text = batch_of(RPC_BATCH_MAX + 1, CALL(SUBTRACT("[3, 2]"), "1"));
	CU_ASSERT(answers_to(text, ERROR("-32000", "Limit exceeded", "null")));
	free(text);
}

/* Requests behind the bound are answered, but not carried out. */
static void test_answers_of_a_batch_are_bounded(void)
{
	char *text = batch_of(6, CALL("\"method\": \"large\"", "1"));
	char *response;
	json_t *json;

	calls = 0;
	response = answer(text);
	json = json_loads(response, 0, NULL);
	CU_ASSERT_EQUAL(calls, 2);
	CU_ASSERT_EQUAL(json_array_size(json), 6);
	CU_ASSERT_PTR_NOT_NULL(json_object_get(json_array_get(json, 1), "result"));
	for (size_t i = 2; i < 6; i++)
		CU_ASSERT_EQUAL(json_integer_value(json_object_get(
					json_object_get(json_array_get(json, i), "error"), "code")),
				RPC_LIMIT_EXCEEDED);
	json_decref(json);
	free(response);
	free(text);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_examples_of_the_specification),
		UNIT_TEST(test_ids),
		UNIT_TEST(test_ids_of_a_batch),
		UNIT_TEST(test_no_ids),
		UNIT_TEST(test_invalid_requests),
		UNIT_TEST(test_params),
		UNIT_TEST(test_errors_say_where_and_why),
		UNIT_TEST(test_notifications_are_carried_out),
		UNIT_TEST(test_notifications_are_not_answered),
		UNIT_TEST(test_batch_size),
		UNIT_TEST(test_answers_of_a_batch_are_bounded),
		CU_TEST_INFO_NULL,
	};

	return unit_run("rpc", tests);
}
