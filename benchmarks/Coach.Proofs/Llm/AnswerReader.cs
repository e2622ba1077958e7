using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Coach.Proofs.Llm;

/// <summary>
/// Reads many answers at once, on bare sockets with one thread that looks at all of them every millisecond, so that the
/// processor is the host's. Finds what <see cref="TimedProvider"/> wrote, wherever a packet ends.
/// </summary>
internal sealed class AnswerReader
{
    private readonly byte[] _buffer = new byte[64 * 1024];

    /// <summary>Asks all and reads until each answer has ended.</summary>
    /// <param name="address">Who answers.</param>
    /// <param name="path">The path to post to.</param>
    /// <param name="body">The body of each question, JSON.</param>
    /// <param name="headers">Of each question, the header lines of its own, each with its line end.</param>
    /// <returns>The milliseconds that each token took, an entry an answer; null for one that is not whole.</returns>
    public List<double>?[] ReadAll(Uri address, string path, string body, IReadOnlyList<string> headers)
    {
        List<Answer> answers = [.. headers.Select(header => Ask(address, path, body, header))];
        var open = answers.ToDictionary(answer => answer.Peer);
        var ready = new List<Socket>();
        while (open.Count > 0)
        {
            ready.Clear();
            ready.AddRange(open.Keys);
            Socket.Select(ready, null, null, microSeconds: 100_000);
            foreach (Socket peer in ready)
            {
                int read = Receive(peer);
                open[peer].Take(_buffer.AsSpan(0, read));
                if (read == 0 || open[peer].IsEnd)
                {
                    open.Remove(peer);
                }
            }

            Thread.Sleep(1);
        }

        foreach (Answer answer in answers)
        {
            answer.Peer.Dispose();
        }

        return [.. answers.Select(answer => answer.IsWhole ? answer.Milliseconds : null)];
    }

    private static Answer Ask(Uri address, string path, string body, string header)
    {
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        peer.Connect(IPAddress.Loopback, address.Port);
        peer.Send(Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"POST {path} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n{header}\r\n{body}")));
        return new Answer(peer);
    }

    private int Receive(Socket peer)
    {
        try
        {
            return peer.Receive(_buffer);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private sealed class Answer(Socket peer)
    {
        private readonly List<byte> _line = [];
        private Part _part = Part.Status;
        private int _left;
        private long _value;
        private bool _isGood;
        private bool _isIn;
        private bool _isTilde;
        private bool _hasTildes;

        private enum Part
        {
            Status,
            Head,
            Size,
            Data,
            DataEnd,
            End,
        }

        public Socket Peer { get; } = peer;

        public List<double> Milliseconds { get; } = [];

        public bool IsEnd => _part == Part.End;

        public bool IsWhole => IsEnd && _isGood && _hasTildes;

        public void Take(ReadOnlySpan<byte> bytes)
        {
            long now = Stopwatch.GetTimestamp();
            foreach (byte letter in bytes)
            {
                if (_part == Part.Data)
                {
                    TakeData(letter, now);
                    _part = --_left == 0 ? Part.DataEnd : Part.Data;
                }
                else if (letter != (byte)'\n')
                {
                    _line.Add(letter);
                }
                else
                {
                    TakeLine(Encoding.ASCII.GetString([.. _line]).TrimEnd('\r'));
                    _line.Clear();
                }
            }
        }

        private void TakeLine(string line)
        {
            switch (_part)
            {
                case Part.Status:
                    _isGood = line.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal);
                    _part = Part.Head;
                    break;
                case Part.Head when line.Length == 0:
                    _part = Part.Size;
                    break;
                case Part.Size:
                    _left = int.Parse(line, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                    _part = _left == 0 ? Part.End : Part.Data;
                    break;
                case Part.DataEnd:
                    _part = Part.Size;
                    break;
                default:
                    break;
            }
        }

        private void TakeData(byte letter, long now)
        {
            if (_isIn && letter is >= (byte)'0' and <= (byte)'9')
            {
                _value = (_value * 10) + (letter - '0');
            }
            else if (_isIn && letter == (byte)';' && _value > 0)
            {
                Milliseconds.Add(Stopwatch.GetElapsedTime(_value, now).TotalMilliseconds);
                _isIn = false;
            }
            else
            {
                _hasTildes |= _isTilde && letter == (byte)'~';
                _isTilde = letter == (byte)'~';
                (_isIn, _value) = (letter == (byte)'t', 0);
            }
        }
    }
}
