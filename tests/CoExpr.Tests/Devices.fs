namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr
open CoExpr.Gpu
open CoExpr.Kernels

/// The OpenCL device that tests run on: the first that is there, a processor if need be.
[<RequireQualifiedAccess>]
module Devices =

    let private inventory = lazy (OpenClDevices.List())

    let first = lazy (inventory.Value.Devices |> Seq.tryHead)

    let private words = Collections.Concurrent.ConcurrentQueue<string>()

    /// What backends of `every` told since the start; nothing, as long as the device works.
    let told () = Seq.toList words

    let private backendOn name settings device : IPairBackend =
        new GpuBackend(name, device, Backend.cpu, Action<string> words.Enqueue, settings)

    /// Backends that differ in tiles, blocks and ways of counting; none without a device.
    let every =
        lazy
            (match first.Value with
             | None -> []
             | Some device -> [
                 backendOn "device" (GpuSettings()) device
                 backendOn "device, planes" (GpuSettings(Histogram = GpuHistogram.Planes, TileGenes = 4)) device
                 backendOn "device, scatter" (GpuSettings(Histogram = GpuHistogram.Scatter, BlockRows = 3)) device
                 backendOn "device, one by one" (GpuSettings(TileGenes = 1, BlockRows = 1)) device
                 backendOn "device, little memory" (GpuSettings(Memory = 4096L)) device
                 backendOn "device, products on the processor" (GpuSettings(Products = false, BlockRows = 2)) device
               ])

    /// The device; the test is reported as skipped without one.
    let require () =
        match first.Value with
        | Some device -> device
        | None ->
            Assert.Ignore("No OpenCL device: " + inventory.Value.Reason)
            Unchecked.defaultof<_>

    /// The text holds all of these.
    let holds (words: string list) (text: string) =
        for word in words do
            Assert.That(text, Does.Contain word)
