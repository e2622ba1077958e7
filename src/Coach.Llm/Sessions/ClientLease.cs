using Coach.Llm.Sessions;

namespace Coach.Llm;

/// <summary>
/// The right to use a session's client until the lease is disposed. As long as one lease is out, the client is not
/// disposed. Disposing twice, or disposing a copy, is harmless.
/// </summary>
/// <typeparam name="TClient">The type of the client.</typeparam>
public readonly struct ClientLease<TClient> : IDisposable
    where TClient : class
{
    private readonly TClient? _client;
    private readonly LeaseGeneration? _ticket;
    private readonly int _number;

    /// <summary>
    /// Makes a lease that ends nothing: for stand-ins of the registry and for clients that belong to nobody.
    /// </summary>
    /// <param name="client">The client.</param>
    /// <exception cref="ArgumentNullException"><paramref name="client"/> is null.</exception>
    public ClientLease(TClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        _client = client;
    }

    internal ClientLease(TClient client, LeaseGeneration ticket, int number)
    {
        _client = client;
        _ticket = ticket;
        _number = number;
    }

    /// <summary>The client. Do not dispose it and do not keep it longer than the lease.</summary>
    /// <exception cref="InvalidOperationException">This is <c>default</c>: no lease.</exception>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public TClient Client
    {
        get
        {
            if (_ticket is not null && !_ticket.IsOut(_number))
            {
                throw new ObjectDisposedException(nameof(ClientLease<>), "The lease has ended; acquire another one.");
            }

            return _client ?? throw new InvalidOperationException("This lease was never acquired.");
        }
    }

    /// <summary>
    /// Ends the lease. If the client has left the registry and this was its last lease, the client is disposed.
    /// </summary>
    public void Dispose() => _ticket?.End(_number);
}
