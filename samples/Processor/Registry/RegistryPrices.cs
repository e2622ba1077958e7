using Coach.Usage;

namespace Processor.Registry;

/// <summary>The prices of the registry file that was read last: a host runs one processor.</summary>
internal sealed class RegistryPrices : IPriceSource
{
    private PriceTable _current = PriceTable.Empty;

    public PriceTable Current => Volatile.Read(ref _current);

    public void Use(PriceTable prices) => Volatile.Write(ref _current, prices);
}
