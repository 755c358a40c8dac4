using System;
using CoExpr.Kernels;

namespace CoExpr.Gpu;

/// <summary>Scores pairs on an OpenCL device, with the same bits as on the processor.</summary>
/// <remarks>
/// Histograms and entropies are whole numbers, made and added on the device. Sums of products are made there too where
/// it computes in double precision, cell after cell as on the processor; their signs are decided on the processor.
/// Where the device has too little memory its tiles are halved; where that does not help, or the device is lost, the
/// rest is computed on the processor, and that is said once.
/// </remarks>
public sealed class GpuBackend : IPairBackend, IDisposable
{
    readonly OpenClDevice device;
    readonly IPairBackend processor;
    readonly Action<string> tell;
    readonly GpuSettings settings;
    readonly Func<string, int>? fault;
    OpenClSession? session;

    /// <summary>A backend for a device; it is opened with the first genes.</summary>
    /// <param name="name">What the backend is called: "gpu", "gpu:1".</param>
    /// <param name="device">One of <see cref="OpenClDevices.List()"/>.</param>
    /// <param name="processor">Computes what the device cannot.</param>
    /// <param name="tell">Is told, in a sentence, that the processor takes over. May be called by any thread.</param>
    /// <param name="settings">How the work is cut.</param>
    public GpuBackend(
        string name,
        OpenClDevice device,
        IPairBackend processor,
        Action<string> tell,
        GpuSettings? settings = null
    )
        : this(name, device, processor, tell, settings, null) { }

    internal GpuBackend(
        string name,
        OpenClDevice device,
        IPairBackend processor,
        Action<string> tell,
        GpuSettings? settings,
        Func<string, int>? fault
    )
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(tell);
        (Name, this.device, this.processor, this.tell) = (name, device, processor, tell);
        (this.settings, this.fault) = ((settings ?? new GpuSettings()).Checked(), fault);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IPairKernel Open(BinnedGenes genes, PairTask task, int threads)
    {
        ArgumentNullException.ThrowIfNull(genes);
        ArgumentNullException.ThrowIfNull(task);
        try
        {
            session ??= OpenSession();
            return new GpuKernel(session, genes, task, settings, processor, Lose);
        }
        catch (OpenClException error)
        {
            tell($"{device.Name}: {error.Message}; computing on the processor instead.");
            return processor.Open(genes, task, threads);
        }
    }

    // The next genes may find the device again. What the driver holds of a lost one ends with the process: releasing it
    // could hang.
    void Lose(string error)
    {
        session = null;
        tell($"{device.Name}: {error}; computing the remaining pairs on the processor.");
    }

    OpenClSession OpenSession()
    {
        var library =
            OpenClLibrary.TryLoad(OpenClLibrary.FileNames)
            ?? throw new OpenClException("the OpenCL loader", OpenClStatus.DeviceNotAvailable);
        var opened = new OpenClSession(library, device.Id, fault);
        try
        {
            DeviceScorer.Build(opened);
            return opened;
        }
        catch (OpenClException)
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Lets go of the device. The backend may still be used: it opens the device again.</summary>
    public void Dispose()
    {
        session?.Dispose();
        session = null;
    }
}
