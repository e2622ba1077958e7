using System.Globalization;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>
/// A conversation in the one order that every provider takes, however it was kept: each call has its result, right
/// behind the turn that made it, and an id of its own; a turn of the model's holds what a model's turn may hold, and
/// follows one of the person's where the provider wants that.
/// </summary>
/// <remarks>
/// Histories are shortened, joined, stored and read by others. Half a pair is refused by every provider, and so are two
/// calls of one id; most take no pictures in a turn of the model's, whoever drew them.
/// </remarks>
internal static class Conversation
{
    private const string NoId = "call";
    private const string Opening = "(The beginning of this conversation is left out.)";

    /// <summary>The conversation as it is to be sent; the messages themselves where they can go as they are.</summary>
    public static IReadOnlyList<ChatMessage> Tidy(IReadOnlyList<ChatMessage> messages, ChatProtocol protocol)
    {
        Dictionary<AIContent, Pair>? pairs = Pairs(messages);
        IReadOnlyList<ChatMessage> tidy = IsTidy(messages, pairs, protocol)
            ? messages
            : new Rebuilding(pairs ?? [], protocol).Run(messages);
        return Opened(tidy, protocol);
    }

    // What was shortened may begin with the model's turn.
    private static IReadOnlyList<ChatMessage> Opened(IReadOnlyList<ChatMessage> messages, ChatProtocol protocol)
    {
        int first = 0;
        while (first < messages.Count && messages[first].IsInstruction())
        {
            first++;
        }

        return protocol.BeginsWithPerson && first < messages.Count && messages[first].Role == ChatRole.Assistant
            ? [.. messages.Take(first), new ChatMessage(ChatRole.User, Opening), .. messages.Skip(first)]
            : messages;
    }

    /// <summary>Whether it is a picture, sound or file that most providers take from people alone.</summary>
    private static bool IsMediaOfModel(ChatMessage message, AIContent content, ChatProtocol protocol) =>
        content is DataContent or UriContent && message.Role == ChatRole.Assistant && !protocol.TakesMediaOfModel;

    // Each call and each result that has its other half; a result goes to the first call of its id that waits for one.
    private static Dictionary<AIContent, Pair>? Pairs(IReadOnlyList<ChatMessage> messages)
    {
        Dictionary<AIContent, Pair>? pairs = null;
        List<Pair> waiting = [];
        foreach (AIContent content in messages.SelectMany(message => message.Contents))
        {
            if (content is FunctionCallContent call)
            {
                pairs ??= new Dictionary<AIContent, Pair>(ReferenceEqualityComparer.Instance);
                var pair = new Pair(call);
                if (pairs.TryAdd(call, pair))
                {
                    waiting.Add(pair);
                }
            }
            else if (content is FunctionResultContent result
                && waiting.Find(pair => pair.Call.CallId == result.CallId) is { } asked
                && pairs!.TryAdd(result, asked))
            {
                asked.Result = result;
                waiting.Remove(asked);
            }
        }

        foreach (Pair pair in waiting)
        {
            pairs!.Remove(pair.Call);
        }

        return pairs;
    }

    private static bool IsTidy(
        IReadOnlyList<ChatMessage> messages, Dictionary<AIContent, Pair>? pairs, ChatProtocol protocol)
    {
        HashSet<string>? ids = null;
        int due = 0; // results of the turn before
        foreach (ChatMessage message in messages)
        {
            int results = 0;
            int calls = 0;
            foreach (AIContent content in message.Contents)
            {
                if (content is FunctionCallContent call)
                {
                    ids ??= new HashSet<string>(StringComparer.Ordinal);
                    if (pairs?.ContainsKey(call) != true || call.CallId.Length == 0 || !ids.Add(call.CallId))
                    {
                        return false;
                    }

                    calls++;
                }
                else if (content is FunctionResultContent result)
                {
                    if (pairs?.ContainsKey(result) != true)
                    {
                        return false;
                    }

                    results++;
                }
                else if (IsMediaOfModel(message, content, protocol))
                {
                    return false;
                }
            }

            // All that is due comes before anything else does, and nothing comes with the calls themselves.
            bool isInOrder = (due == 0 || results > 0) && results <= due && (calls == 0 || due == results)
                && !(calls > 0 && results > 0);
            if (!isInOrder)
            {
                return false;
            }

            due = due - results + calls;
        }

        return due == 0;
    }

    private sealed class Pair(FunctionCallContent call)
    {
        public FunctionCallContent Call { get; } = call;

        public FunctionResultContent? Result { get; set; }
    }

    private sealed class Rebuilding(Dictionary<AIContent, Pair> pairs, ChatProtocol protocol)
    {
        private readonly List<ChatMessage> _done = [];
        private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
        private readonly List<AIContent> _shown = []; // what the model showed, for the person's next turn

        public List<ChatMessage> Run(IReadOnlyList<ChatMessage> messages)
        {
            foreach (ChatMessage message in messages)
            {
                Add(message);
            }

            if (_shown.Count > 0)
            {
                _done.Add(new ChatMessage(ChatRole.User, [.. _shown]));
            }

            return _done;
        }

        private void Add(ChatMessage message)
        {
            List<AIContent> kept = [];
            List<Pair> due = [];
            foreach (AIContent content in message.Contents)
            {
                pairs.TryGetValue(content, out Pair? pair);
                switch (content)
                {
                    case FunctionCallContent:
                        if (pair is not null)
                        {
                            kept.Add(content);
                            due.Add(pair);
                        }

                        break;
                    case FunctionResultContent:
                        if (pair is not null && due.Contains(pair))
                        {
                            End(message, kept, due); // what follows it was said with the result known
                        }

                        break;
                    case DataContent or UriContent when IsMediaOfModel(message, content, protocol):
                        Show(content);
                        break;
                    default:
                        kept.Add(content);
                        break;
                }
            }

            End(message, kept, due);
        }

        private void Show(AIContent content)
        {
            string type = (content as DataContent)?.MediaType ?? ((UriContent)content).MediaType;
            if (protocol.Accepts(type))
            {
                _shown.Add(content);
            }
        }

        private void End(ChatMessage message, List<AIContent> kept, List<Pair> due)
        {
            if (message.Role == ChatRole.User && _shown.Count > 0)
            {
                kept.InsertRange(0, _shown);
                _shown.Clear();
            }

            if (kept.Count > 0)
            {
                ChatMessage turn = message.Clone();
                List<AIContent> results = [];
                turn.Contents = [.. kept.Select(content => Numbered(content, due, results))];
                _done.Add(turn);
                if (results.Count > 0)
                {
                    _done.Add(new ChatMessage(ChatRole.Tool, results));
                }
            }

            kept.Clear();
            due.Clear();
        }

        // A call under an id of its own; its result goes under the same.
        private AIContent Numbered(AIContent content, List<Pair> due, List<AIContent> results)
        {
            if (content is not FunctionCallContent call)
            {
                return content;
            }

            FunctionResultContent result = due.Find(pair => pair.Call == call)!.Result!;
            string first = call.CallId.Length == 0 ? NoId : call.CallId;
            string id = first;
            for (int number = 2; !_ids.Add(id); number++)
            {
                id = string.Create(CultureInfo.InvariantCulture, $"{first}-{number}");
            }

            if (id == call.CallId)
            {
                results.Add(result);
                return call;
            }

            results.Add(new FunctionResultContent(id, result.Result)
            {
                Exception = result.Exception,
                AdditionalProperties = result.AdditionalProperties,
            });
            return new FunctionCallContent(id, call.Name, call.Arguments)
            {
                AdditionalProperties = call.AdditionalProperties,
                Exception = call.Exception,
            };
        }
    }
}
