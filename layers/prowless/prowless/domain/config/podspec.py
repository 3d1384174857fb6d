"""PodSpecs as they are written: their keys in Kubernetes' own spelling, whatever case the author chose.

Go matches keys without regard to case, and hundreds of public jobs rely on it (`serviceaccountName`). The names are
those of the PodSpec's OpenAPI schema and everything below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless.domain.config.document import Table

if TYPE_CHECKING:
    from prowless.domain.config.decode import Reader

_NAMES = """
accessModes action activeDeadlineSeconds add affinity allowPrivilegeEscalation annotations apiGroup apiVersion
appArmorProfile args audience automountServiceAccountToken awsElasticBlockStore azureDisk azureFile bindMountOptions
blockOwnerDeletion cachingMode capabilities cephfs certificateChainPath chapAuthDiscovery chapAuthSession cinder
claimName claims clusterTrustBundle command conditionType configMap configMapKeyRef configMapRef containerName
containerPort containers controller creationTimestamp credentialBundlePath csi dataSource dataSourceRef datasetName
datasetUUID defaultMode defaultUser deletionGracePeriodSeconds deletionTimestamp devicePath directory diskName diskURI
divisor dnsConfig dnsPolicy downwardAPI driver drop effect emptyDir enableServiceLinks endpoints env envFrom ephemeral
ephemeralContainers evictionResponders exec exitCodes expirationSeconds failureThreshold fc fieldPath fieldRef
fieldsType fieldsV1 fileKeyRef finalizers flexVolume flocker fsGroup fsGroupChangePolicy fsType gateway
gcePersistentDisk generateName generation gitRepo glusterfs gmsaCredentialSpec gmsaCredentialSpecName group grpc host
hostAliases hostIP hostIPC hostNetwork hostPID hostPath hostPort hostProcess hostUsers hostname hostnameOverride
hostnames httpGet httpHeaders image imagePullPolicy imagePullSecrets initContainers initialDelaySeconds initiatorName
ip iqn iscsi iscsiInterface items key keyPath keyType keyring kind labelSelector labels level lifecycle limits
livenessProbe localhostProfile lun managedFields manager matchExpressions matchFields matchLabelKeys matchLabels
maxExpirationSeconds maxSkew medium metadata minDomains mismatchLabelKeys mode monitors mountPath mountPropagation
name nameservers namespace namespaceSelector namespaces nfs nodeAffinity nodeAffinityPolicy nodeName
nodePublishSecretRef nodeSelector nodeSelectorTerms nodeTaintsPolicy operation operator optional options os overhead
ownerReferences partition path pdID pdName periodSeconds persistentVolumeClaim photonPersistentDisk podAffinity
podAffinityTerm podAntiAffinity podCertificate podGroupName pool port portals ports portworxVolume postStart preStop
preemptionPolicy preference preferredDuringSchedulingIgnoredDuringExecution prefix priority priorityClassName
privileged procMount projected protectionDomain protocol pullPolicy quobyte rbd readOnly readOnlyRootFilesystem
readinessGates readinessProbe recursiveReadOnly reference registry repository requests
requiredDuringSchedulingIgnoredDuringExecution resizePolicy resource resourceClaimName resourceClaimTemplateName
resourceClaims resourceFieldRef resourceName resourceVersion resources restartPolicy restartPolicyRules revision role
runAsGroup runAsNonRoot runAsUser runAsUserName runtimeClassName scaleIO schedulerName schedulingGates schedulingGroup
scheme seLinuxChangePolicy seLinuxOptions searches seccompProfile seconds secret secretFile secretKeyRef secretName
secretRef securityContext selector selfLink server service serviceAccount serviceAccountName serviceAccountToken
setHostnameAsFQDN shareName shareProcessNamespace signerName sizeLimit sleep sources spec sslEnabled startupProbe
stdin stdinOnce stopSignal storageClassName storageMode storagePolicyID storagePolicyName storagePool storageos
subPath subPathExpr subdomain subresource successThreshold supplementalGroups supplementalGroupsPolicy sysctls system
targetContainerName targetPortal targetWWNs tcpSocket tenant terminationGracePeriodSeconds terminationMessagePath
terminationMessagePolicy time timeoutSeconds tolerationSeconds tolerations topologyKey topologySpreadConstraints tty
type uid user userAnnotations value valueFrom values volume volumeAttributes volumeAttributesClassName
volumeClaimTemplate volumeDevices volumeID volumeMode volumeMounts volumeName volumeNamespace volumePath volumes
vsphereVolume weight whenUnsatisfiable windowsOptions workingDir wwids
"""
FIELD_NAMES = frozenset(_NAMES.split())
"""Every field name reachable from Kubernetes' PodSpec (OpenAPI of release 1.37)."""

_FOLDED = {name.lower(): name for name in FIELD_NAMES}
_FREE = frozenset(
    {
        "annotations",
        "labels",
        "limits",
        "matchLabels",
        "nodeSelector",
        "options",
        "overhead",
        "requests",
        "userAnnotations",
        "volumeAttributes",
    }
)
"""Fields that are maps with keys of the author's."""


def pod_spec(reader: Reader, value: Any, at: str, what: str) -> dict[str, Any] | None:
    """A PodSpec with canonical keys, or None after reporting that it is no mapping."""
    table = reader.table(value, at, what)
    return None if table is None else canonical(reader, table, what)


def canonical(reader: Reader, value: Any, what: str) -> Any:
    """A part of a PodSpec with canonical keys. Null is left out, or empty in a list: Go's decoder leaves it unset."""
    if isinstance(value, list):
        # An item that is null is the zero value, as in `- # a comment` below a command.
        return ["" if item is None else canonical(reader, item, what) for item in value]
    if not isinstance(value, Table):
        return value
    fields: dict[str, Any] = {}
    for written, item in value.items():
        name = written if written in FIELD_NAMES else _FOLDED.get(written.lower())
        if name is None:
            at = reader.document.at(value.line_of(written))
            reader.unknown_field(at, written, what, FIELD_NAMES)
            fields[written] = item
        elif item is not None:
            fields[name] = item if name in _FREE else canonical(reader, item, what)
    return fields
