using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Coach.Redis.Tests;

/// <summary>
/// A server that speaks just enough of Redis's protocol to be connected to, and answers scripts and writes as a test
/// says.
/// </summary>
internal sealed class FakeRedis : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private int _connections;

    public FakeRedis()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public string ConnectionString => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port},protocol=resp2";

    /// <summary>What a command is answered, by the connection's number and the command's words; null for the usual.</summary>
    public Func<int, string[], string?> Answer { get; set; } = static (_, _) => null;

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token), Interlocked.Increment(ref _connections));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // The test has ended.
        }
    }

    private async Task ServeAsync(TcpClient client, int number)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.Latin1);
                while (await ReadAsync(reader) is { } words)
                {
                    string answer = Answer(number, words) ?? Usual(words);
                    await stream.WriteAsync(Encoding.Latin1.GetBytes(answer), _stop.Token);
                }
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // One of the two has gone.
            }
        }
    }

    private static async Task<string[]?> ReadAsync(StreamReader reader)
    {
        if (await reader.ReadLineAsync() is not { Length: > 1 } head)
        {
            return null;
        }

        var words = new string[int.Parse(head.AsSpan(1), CultureInfo.InvariantCulture)];
        for (int i = 0; i < words.Length; i++)
        {
            string? length = await reader.ReadLineAsync();
            if (length is null)
            {
                return null;
            }

            var word = new char[int.Parse(length.AsSpan(1), CultureInfo.InvariantCulture)];
            await reader.ReadBlockAsync(word);
            await reader.ReadLineAsync();
            words[i] = new string(word);
        }

        return words;
    }

    private static string Usual(string[] words) => words[0].ToUpperInvariant() switch
    {
        "PING" => "+PONG\r\n",
        "ECHO" => Bulk(words[1]),
        "INFO" => Bulk("# Server\r\nredis_version:7.2.0\r\nredis_mode:standalone\r\n# Replication\r\nrole:master\r\n"),
        "CONFIG" => "*0\r\n",
        "CLIENT" => words[1].Equals("ID", StringComparison.OrdinalIgnoreCase) ? ":1\r\n" : "+OK\r\n",
        "SUBSCRIBE" => $"*3\r\n{Bulk("subscribe")}{Bulk(words[1])}:1\r\n",
        "SCRIPT" => Bulk(Sha1(words[2])),
        "EVALSHA" or "EVAL" => "*3\r\n:1\r\n:9\r\n:0\r\n",
        "GET" => "$-1\r\n",
        "SET" or "HMSET" or "SELECT" or "AUTH" => "+OK\r\n",
        "HSET" or "EXPIRE" or "PEXPIRE" or "UNLINK" => ":1\r\n",
        _ => "-ERR unknown command\r\n",
    };

    private static string Bulk(string text) => $"${text.Length}\r\n{text}\r\n";

#pragma warning disable CA5350 // so Redis names scripts
    private static string Sha1(string script) =>
        Convert.ToHexStringLower(SHA1.HashData(Encoding.Latin1.GetBytes(script)));
#pragma warning restore CA5350
}
