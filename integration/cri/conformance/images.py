"""Image Manager, Image Consistency, Image Identifier Consistency and Image Volume (pkg/validate: image*.go)."""
import threading

import grpc
import runtime_pb2 as cri
from fixtures import manifest_digest
from world import PAUSE, equal, expect, fails, it

MANAGER = "Image Manager"
CONSISTENCY = "Image Consistency"
IDENTIFIER = "Image Identifier Consistency"
VOLUME = "Image Volume"


def status(w, name):
    answer = w.images.ImageStatus(cri.ImageStatusRequest(image=cri.ImageSpec(image=name)))
    return answer.image if answer.HasField("image") else None


def pull(w, name):
    return w.images.PullImage(cri.PullImageRequest(image=cri.ImageSpec(image=name))).image_ref


def remove(w, name):
    found = status(w, name)
    if found:
        w.images.RemoveImage(cri.RemoveImageRequest(image=cri.ImageSpec(image=found.id)))


def pulled(w, name):
    remove(w, name)
    w.ends.append(lambda: remove(w, name))
    pull(w, name)
    found = status(w, name)
    expect(found and found.id and found.size, found)
    return found


def comes_and_goes(w, name, tags=None, digests=None):
    found = pulled(w, name)
    if tags is not None:
        equal(list(found.repo_tags), tags, "repo_tags")
    if digests is not None:
        equal(list(found.repo_digests), digests, "repo_digests")
    remove(w, name)
    equal(status(w, name), None)


@it(MANAGER, "public image with tag should be pulled and removed")
def with_tag(w):
    name = w.name("test-image-tag:test")
    comes_and_goes(w, name, tags=[name])


@it(MANAGER, "public image should timeout if requested")
def times_out(w):
    spec = cri.PullImageRequest(image=cri.ImageSpec(image=w.name("test-image-tag:test")))
    fails(lambda: w.images.PullImage(spec, timeout=0.001), grpc.StatusCode.DEADLINE_EXCEEDED)


@it(MANAGER, "public image without tag should be pulled and removed")
def without_tag(w):
    name = w.name("test-image-latest")
    comes_and_goes(w, name, tags=[name + ":latest"])


@it(MANAGER, "public image with digest should be pulled and removed")
def with_digest(w):
    name = w.name("test-image-digest") + "@" + manifest_digest(w.options.registry, "test-image-digest:latest")
    comes_and_goes(w, name, tags=[], digests=[name])


@it(MANAGER, "image status should support all kinds of references")
def references(w):
    name = w.name("test-image-tag:all")
    found = pulled(w, name)
    for reference in [found.id, *found.repo_tags, *found.repo_digests]:
        equal(status(w, reference), found, reference)
    remove(w, name)
    equal(status(w, name), None)


@it(MANAGER, "image status get image fields should not have Uid|Username empty")
def users(w):
    for kind, uid, user in (("uid", 1002, ""), ("username", 0, "www-data"), ("uid-group", 1003, ""), ("username-group", 0, "www-data")):
        found = pulled(w, w.name(f"test-image-user-{kind}"))
        equal((found.uid.value, found.username), (uid, user), kind)


@it(MANAGER, "listImage should get exactly 3 image in the result list")
def three_images(w):
    names = [w.name(f"test-image-{n}:latest") for n in (1, 2, 3)]
    ids = {pulled(w, name).id: name for name in names}
    equal(len(ids), 3)
    for image in w.images.ListImages(cri.ListImagesRequest()).images:
        if image.id in ids:
            equal(list(image.repo_tags), [ids[image.id]])


@it(MANAGER, "listImage should get exactly 3 repoTags in the result image")
def three_tags(w):
    names = [w.name(f"test-image-tags:{n}") for n in (1, 2, 3)]
    remove(w, names[0])
    w.ends.append(lambda: remove(w, names[0]))
    ids = {pull(w, name) for name in names}
    equal(len(ids), 1)
    found = [i for i in w.images.ListImages(cri.ListImagesRequest()).images if i.id in ids]
    equal([sorted(i.repo_tags) for i in found], [names])


@it(CONSISTENCY, "should not list or get image status immediately after removal")
def gone_at_once(w):
    name = w.name("test-image-tag:test")
    pulled(w, name)
    remove(w, name)
    expect(not any(name in i.repo_tags for i in w.images.ListImages(cri.ListImagesRequest()).images))
    equal(status(w, name), None)


@it(CONSISTENCY, "should list and get image status immediately after pulling")
def there_at_once(w):
    name = w.name("test-image-tag:test")
    pulled(w, name)
    expect(any(name in i.repo_tags for i in w.images.ListImages(cri.ListImagesRequest()).images))


@it(CONSISTENCY, "should not fail on simultaneous RemoveImage calls")
def removed_at_once(w):
    id = pulled(w, w.name("test-image-tag:test")).id
    found = []

    def work():
        try:
            w.images.RemoveImage(cri.RemoveImageRequest(image=cri.ImageSpec(image=id)))
            found.append(status(w, id))
        except grpc.RpcError as error:
            found.append(error.details())

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(found, [None] * 5)


@it(IDENTIFIER, "should return the same image identifier across all APIs")
def same_id(w):
    name = w.name("test-image-tag:test")
    remove(w, name)
    w.ends.append(lambda: remove(w, name))
    reference = pull(w, name)
    spec = cri.ImageSpec(image=reference, user_specified_image=name)
    container = w.pod().container(spec=spec, image=name)
    listed = w.runtime.ListContainers(cri.ListContainersRequest(filter=cri.ContainerFilter(id=container.id))).containers[0]
    equal((status(w, name).id, container.status().image_id, listed.image_id), (reference,) * 3)
    w.pods[0].stop()
    w.pods.pop().remove()


@it(IDENTIFIER, "should return the same image identifier when pulled from different registries")
def same_from_others(w):
    names = [w.name("test-image-tags:1"), w.name("test-image-tags:2")]
    references = {pull(w, name) for name in names}
    w.ends.append(lambda: remove(w, names[0]))
    equal(len(references), 1)
    equal({status(w, name).id for name in names}, references)


# Images as volumes

def mounted(w, name, read_only=True, path="", start=True, others=()):
    w.pull(name)
    reference = status(w, name).id
    image = cri.ImageSpec(image=reference, user_specified_image=name)
    mount = cri.Mount(container_path="/mnt/image-volume", readonly=read_only, image=image, image_sub_path=path)
    return reference, w.pod().container(PAUSE, image=w.busybox, mounts=[mount, *others], start=start)


@it(VOLUME, "should return image digest in ContainerStatus mounts")
def volume_digest(w):
    reference, container = mounted(w, w.name("busybox:1"), start=False)
    found = [m for m in container.status().mounts if m.container_path == "/mnt/image-volume"]
    equal([m.image.image_ref for m in found], [reference])


@it(VOLUME, "should correctly mount image and enforce read-only")
def volume_read_only(w):
    writable = cri.Mount(container_path="/mnt/writable", host_path=w.folder())
    _, container = mounted(w, w.name("busybox:1"), others=[writable])
    container.says("ls", "-A", "/mnt/image-volume/bin/sh")
    # The same command by the same user succeeds where writing is allowed.
    container.says("touch", "/mnt/writable/test-write")
    expect("Read-only file system" in container.refuses("touch", "/mnt/image-volume/test-write"), "it was refused for another reason")
    container.says("/mnt/image-volume/bin/ls", "/mnt/image-volume")


@it(VOLUME, "should reject Image Volume with Readonly set to false")
def volume_writable(w):
    fails(lambda: mounted(w, w.name("busybox:1"), read_only=False))


@it(VOLUME, "subPath should succeed when using a valid subPath")
def volume_path(w):
    _, container = mounted(w, w.name("test-image-predefined-group:latest"), path="etc")
    container.refuses("ls", "/mnt/image-volume/etc/passwd")
    container.says("ls", "/mnt/image-volume/passwd")


@it(VOLUME, "subPath should fail when subPath does not exist in the image")
def volume_no_path(w):
    fails(lambda: mounted(w, w.name("busybox:1"), path="not-existing"))
